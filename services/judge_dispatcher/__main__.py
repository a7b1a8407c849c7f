"""Run the judge dispatcher."""

from services.judge_dispatcher.room import build
from services.judge_dispatcher.settings import JudgeDispatcherSettings
from services.runtime.lifecycle import main

main("judge_dispatcher", JudgeDispatcherSettings, build)
