"""Made-up data: a coffee shop's projects, events, boards, experiments."""

import json

PROJECTS = {"2195193": {"id": 2195193, "name": "Coffee Shop (demo)"},
            "2195194": {"id": 2195194, "name": "Coffee Shop (staging)"}}

# Where people are sent who run into it; MCP is never enabled here.
NOT_ENABLED_PROJECT = 403403

QUERY = {"query_id": "q-7f3a", "report_type": "insights",
         "series": {"Order Placed": {"2026-11-20": 1204, "2026-11-21": 1377, "2026-11-22": 1419}}}
EVENTS = ["Sign Up", "Page View", "Order Placed", "Order Cancelled", "Loyalty Card Scanned"]
EXPERIMENT = {"id": "exp-12", "name": "Free oat milk", "status": "active", "variants": ["control", "oat"],
              "metrics": [{"name": "Orders a week", "lift": 0.034, "confidence": 0.91}]}
FLAG = {"id": "flag-7", "key": "oat-milk-banner", "status": "enabled", "rollout": 0.25}
COHORT = {"id": 311, "name": "Regulars", "count": 812, "definition": "Order Placed at least 4 times in 30 days"}
METRIC = {"id": 51, "name": "Orders a week", "event": "Order Placed", "aggregation": "total"}
DASHBOARD = {"id": 88, "title": "Morning numbers", "workspace_id": 3101, "reports": [{"id": 1, "name": "Orders by day"}]}

# What a tool answers; tools that are not here say what they were asked.
ANSWERS = {
    "Get-Projects": PROJECTS,
    "Get-Audit-Log": {"entries": [{"time": "2026-11-22T08:14:00Z", "tool": "Create-Dashboard", "origin": "MCP", "user_agent": "mpmcp",
                                   "arguments": {"project_id": 2195194, "title": "Morning numbers"}}]},
    "List-Organizations": {"organizations": [{"id": 4711, "name": "Coffee Shop Inc."}]},
    "Get-Events": {"events": EVENTS},
    "Run-Query": QUERY,
    "Display-Query": {"query_id": "q-7f3a", "title": "Orders by day"},
    "Get-Report": {"id": 1, "name": "Orders by day", "report_type": "insights", "result": QUERY["series"]},
    "List-Dashboards": {"dashboards": [{"id": 88, "title": "Morning numbers"}, {"id": 91, "title": "Funnel health"}]},
    "Get-Dashboard": DASHBOARD,
    "List-Properties": {"properties": [{"name": "Drink", "type": "string"}, {"name": "Price", "type": "number"},
                                       {"name": "$city", "type": "string"}]},
    "Get-Property-Values": {"values": ["Espresso", "Flat White", "Filter", "Caf\u00e9 au lait"]},
    "Search-Entities": {"results": [{"type": "dashboard", "id": 88, "name": "Morning numbers"},
                                    {"type": "report", "id": 1, "name": "Orders by day"}]},
    "Get-Issues": {"issues": [{"id": "iss-3", "event": "Order Placed", "kind": "type drift", "property": "Price"}]},
    "Get-Lexicon-URL": {"url": "https://mixpanel.example/project/2195193/view/3101/app/lexicon#events/Order%20Placed"},
    "List-Metrics": {"metrics": [METRIC]},
    "Get-Metric": METRIC,
    "Get-User-Replays-Data": {"replays": [{"id": "r-90", "start": "2026-11-22T08:14:00Z", "seconds": 312,
                                           "events": ["Page View", "Order Placed"]}]},
    "List-Experiments": {"experiments": [{"id": "exp-12", "name": "Free oat milk", "status": "active"}]},
    "Get-Experiment": EXPERIMENT,
    "Explain-Experiment-Health-Check": {"check": "sample ratio", "status": "passed",
                                        "text": "Variants have the shares that were planned."},
    "Run-Experiment-Pre-Launch-Checks": {"checks": [{"name": "metric exists", "passed": True},
                                                    {"name": "flag exists", "passed": True}]},
    "Search-Prior-Experiments": {"experiments": [{"id": "exp-9", "name": "Loyalty card reminder", "status": "concluded"}]},
    "List-Feature-Flags": {"feature_flags": [FLAG]},
    "Get-Feature-Flag": FLAG,
    "Find-Duplicate-Groups": {"groups": [{"id": "dup-1", "events": ["Order Placed", "order_placed"]}]},
    "Get-Custom-Property": {"id": 17, "name": "Drink size", "formula": "if(Price > 4, \"large\", \"small\")"},
    "Get-Cohort": COHORT,
    "List-Cohorts": {"cohorts": [{"id": 311, "name": "Regulars", "count": 812}]},
    "Describe-Cohort-Schema": {"type": "object", "properties": {"name": {"type": "string"}, "groups": {"type": "array"}}},
    "Get-Lookup-Table": {"id": 5, "name": "Shops", "columns": ["shop_id", "city"], "rows": 14},
    "Get-Business-Context": {"result": "We sell coffee. An order counts when it is paid, not when it is placed."},
}
GUIDANCE = {"result": "Start with a hypothesis; decide the metric before the first user sees it."}

RESOURCES = [
    {"uri": "mixpanel://query/q-7f3a", "name": "Orders by day", "mimeType": "application/json"},
    {"uri": "ui://mixpanel/query", "name": "Chart of a query", "mimeType": "text/html;profile=mcp-app"},
]


def contents(uri):
    if uri.startswith("ui:"):
        return "<!doctype html><title>Chart</title><svg viewBox='0 0 30 10'><path d='M0 9 10 5 20 4 30 1'/></svg>"
    return json.dumps(QUERY)


def query_schema(report_type):
    """Tens of kilobytes, as the service's own."""
    text = "A step of a %s report: an event, how it is counted, and by which properties it is broken down."
    one = {"type": "object", "description": text % report_type,
           "properties": {"event": {"type": "string"}, "aggregation": {"enum": ["total", "unique", "average"]}}}
    steps = {"type": "array", "items": {"$ref": "#/$defs/step0"}}
    return {"report_type": report_type, "schema": {"type": "object", "$defs": {"step%d" % n: one for n in range(120)},
                                                   "properties": {"steps": steps}}}
