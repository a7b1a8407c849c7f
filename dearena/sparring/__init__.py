"""Sparring models: one OpenAI-compatible HTTP server that plays many models, for tests, demos and replays.

A *world* is what its models know and do: *planted* (skill and judgement drawn by hash), *recorded*
(real answers and votes read from a folder), *faulty* (endpoints that misbehave) or *gullible* (judges that fall for
attacks). Worlds are pure: a call in, a reply out. The server puts them behind `/{world}/v1/chat/completions`, so
that a sparring model is registered and called exactly as a real one.
"""
