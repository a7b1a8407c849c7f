"""Grafana's dashboards as code: `make dashboards` writes them to deploy/observability/grafana.

Names of metrics and labels come from the catalogue (services/runtime/instruments.py), pages of alerts from
docs/operations/runbooks. What is written is committed, so that Grafana needs nothing of this; a test says when the two
differ.
"""
