"""The gateway, put together."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path

from dearena.v1.gateway_pb2 import DESCRIPTOR
from dearena.v1.gateway_pb2_grpc import add_GatewayServiceServicer_to_server
from services.gateway.answer_collector import AnswerCollector
from services.gateway.answer_log import AnswerLog
from services.gateway.completion_log import CompletionLog
from services.gateway.completions import Completions
from services.gateway.dimensions import Dimensions
from services.gateway.drift_notes import DriftNotes
from services.gateway.endpoint_client import EndpointClient
from services.gateway.entrance_book import EntranceBook
from services.gateway.gauges import Gauges
from services.gateway.key_references import MAX_KEY_LENGTH
from services.gateway.leases import Leases
from services.gateway.limits.admission import Admission
from services.gateway.limits.endpoint_states import EndpointStates
from services.gateway.limits.key_limits import KeyLimitBook
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.listings import Listings
from services.gateway.model_directory import ModelDirectory
from services.gateway.money.budget_book import BudgetBook
from services.gateway.money.cashier import Cashier
from services.gateway.money.closing import DeadAccounts
from services.gateway.money.fit_checks import FitChecks
from services.gateway.money.ledger_sums import LedgerSums
from services.gateway.money.price_file import PriceFile
from services.gateway.outbox import Outbox
from services.gateway.permission import permission_by
from services.gateway.policy_checks import check_policy
from services.gateway.prober import Prober
from services.gateway.registry import Registry
from services.gateway.service import Gateway
from services.gateway.settings import GatewaySettings
from services.gateway.store import INDEXES, Models
from services.runtime import subjects
from services.runtime.doorbell import Doorbell
from services.runtime.lifecycle import Room, Servicer, Shell


async def build(shell: Shell[GatewaySettings]) -> Room:
    """The room of this service."""
    settings, store, instance = shell.settings, shell.store, shell.instance
    models = Models(store, instance)
    directory = ModelDirectory(models)
    outbox = Outbox(store, shell.bus, models, directory, instance)
    leases = Leases(store, instance, seconds=settings.instance_lease_seconds)
    record = CompletionLog(store, leases)
    prices = PriceFile(settings.price_file)
    budgets = BudgetBook(store, outbox, instance)
    cashier = Cashier(store, budgets, leases, prices)
    dead_accounts = DeadAccounts(store, leases)
    keys = settings.key_ring(os.environ, read_key_file)
    reach = settings.reach()
    endpoints = EndpointClient(
        keys,
        settings.retry_policy(),
        reach,
        connect_seconds=settings.http_connect_seconds,
        reply_limit_bytes=settings.http_reply_limit_bytes,
        ca_file=settings.ca_file,
    )
    limits, key_limits = LimitRecords(store, instance), KeyLimitBook(store, instance)
    admission = Admission(
        limits,
        instance,
        key_limits.limits_of,
        settings.breaker_policy(),
        seat_seconds=settings.instance_lease_seconds,
        longest_hold=settings.http_longest_retry_after_seconds,
    )
    dimensions = Dimensions(shell.peers.query_selector)
    completions = Completions(record, endpoints, admission, cashier, prices, permission_by(directory, dimensions))
    answers = AnswerLog(store, outbox, instance)
    entrances = EntranceBook(store, instance)
    states = EndpointStates(models, limits)
    collector = AnswerCollector(
        models, directory, dimensions, answers, entrances, completions, states, again=settings.asking_again()
    )
    budgets.on_change.append(collector.ring)
    fits = FitChecks(models, prices, dimensions, budgets)
    registry = Registry(
        store,
        models,
        directory,
        outbox,
        answers,
        check_policy=partial(check_policy, reach, keys),
        look_at_budgets=fits.look_at_budgets,
        announce_wait=timedelta(seconds=settings.announce_wait_seconds),
    )
    notes = DriftNotes(store)
    every = timedelta(seconds=settings.probe_every_seconds)
    prober = Prober(store, models, completions, notes, instance, every=every)
    gateway = Gateway(
        registry=registry,
        models=models,
        directory=directory,
        completions=completions,
        collector=collector,
        listings=Listings(store, models, dimensions, answers, entrances, budgets, prices, states.left_alone),
        dimensions=dimensions,
        prober=prober,
        drift_notes=notes,
        key_limits=key_limits,
        endpoint_states=states,
        budgets=budgets,
        fits=fits,
        prices=prices,
        ledger_sums=LedgerSums(store),
    )

    gauges = Gauges(admission, limits, budgets, outbox, models)

    async def drain() -> None:
        await collector.stop()
        await prober.stop()
        await completions.drain(settings.drain_calls_seconds)

    async def close() -> None:
        await completions.give_up()
        await cashier.close()
        await admission.close()
        await leases.let_go()
        await endpoints.close()

    return Room(
        servicers=[
            Servicer(
                add=add_GatewayServiceServicer_to_server,
                implementation=gateway,
                service_name=DESCRIPTOR.services_by_name["GatewayService"].full_name,
            )
        ],
        doorbells=[Doorbell("gateway-dimensions", subjects.EVENTS, collector.on_dimension_ready)],
        sweeps=[
            record.interrupt_dead,
            record.withdraw_unsent,
            dead_accounts.close,
            outbox.sweep,
            collector.sweep,
            prober.sweep,
        ],
        background=[leases.keep, admission.keep, outbox.run, collector.answer_rings],
        stocks=[gauges.endpoints, gauges.money, gauges.news],
        on_drain=drain,
        close=close,
        indexes=INDEXES,
    )


def read_key_file(path: str) -> str:
    """The beginning of a plain file, enough to see that it is too long.

    A pipe would be waited for, and a device never end: either would hold up the whole gateway.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(path)
    with Path(path).open(encoding="utf-8") as file:
        return file.read(2 * MAX_KEY_LENGTH)
