"""The tools of the service, with schemas, annotations and sample answers.

Names and classes as documented; descriptions and sample data are made up.
"""

import json

import samples

INT = {"type": "integer"}
STR = {"type": "string"}
OBJ = {"type": "object"}
INT_OR_NULL = {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}


def schema(required=None, optional=None):
    """An input schema with these properties; required and optional map names to schemas."""
    properties = dict(required or {})
    properties.update(optional or {})
    out = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        out["required"] = list(required)
    return out


PROJECT = {"project_id": INT}

# name, class (read, add, change, delete), category, description, required, optional
TABLE = [
    ("Run-Query", "read", "analytics", "Run an insights, funnels, flows or retention query.",
     {"project_id": INT, "report_type": {"type": "string", "enum": ["insights", "funnels", "flows", "retention"]},
      "report": OBJ}, None),
    ("Get-Query-Schema", "read", "analytics", "The JSON schema of a query of one report type.", {"report_type": STR}, None),
    ("Get-Report", "read", "analytics", "A saved report with its results.", {"project_id": INT, "report_id": INT}, None),
    ("Display-Query", "read", "analytics", "Draw a query's result as a chart.", {"query_id": STR}, None),
    ("Create-Dashboard", "add", "boards", "Make a dashboard.", {"project_id": INT, "title": STR},
     {"workspace_id": INT, "description": STR, "is_private": {"type": "boolean"}, "is_restricted": {"type": "boolean"},
      "rows": {"type": "array", "items": OBJ}}),
    ("List-Dashboards", "read", "boards", "The dashboards of a project.", PROJECT, None),
    ("Get-Dashboard", "read", "boards", "One dashboard.", {"project_id": INT, "dashboard_id": INT},
     {"include_layout": {"type": "boolean"}}),
    ("Update-Dashboard", "change", "boards", "Change a dashboard.", {"project_id": INT, "dashboard_id": INT}, {"title": STR}),
    ("Duplicate-Dashboard", "add", "boards", "Copy a dashboard inside its project.", {"project_id": INT, "dashboard_id": INT}, None),
    ("Delete-Dashboard", "delete", "boards", "Delete a dashboard.", {"project_id": INT, "dashboard_id": INT}, None),
    ("Get-Business-Context", "read", "lexicon", "What the organisation wrote down about its business.", None,
     {"organization_id": INT_OR_NULL, "project_id": INT_OR_NULL}),
    ("Get-Projects", "read", "analytics", "The projects that this account can see.", None, None),
    ("List-Organizations", "read", "analytics", "The organisations of this account.", None, None),
    ("Get-Events", "read", "lexicon", "The events of a project.", PROJECT, None),
    ("List-Properties", "read", "lexicon", "Properties of events or users.", PROJECT,
     {"resource_type": STR, "names": {"type": "array", "items": STR}, "query": STR}),
    ("Get-Property-Values", "read", "lexicon", "Values seen of a property.", PROJECT,
     {"property": STR, "properties": {"type": "array", "items": STR}, "event": STR}),
    ("Search-Entities", "read", "analytics", "Find reports, dashboards and more by name.", {"project_id": INT, "query": STR}, None),
    ("Get-Issues", "read", "lexicon", "Data-quality issues of a project.", PROJECT, None),
    ("Get-Lexicon-URL", "read", "lexicon", "The address of an entry in Lexicon.", PROJECT, None),
    ("Edit-Event", "change", "lexicon", "Change an event's description, or hide or drop it.", {"project_id": INT, "event": STR}, {"hidden": {"type": "boolean"}}),
    ("Edit-Property", "change", "lexicon", "Change a property's entry.", {"project_id": INT, "property": STR}, None),
    ("Bulk-Edit-Events", "change", "lexicon", "Change up to 50 events.", {"project_id": INT, "events": {"type": "array", "items": OBJ}}, None),
    ("Bulk-Edit-Properties", "change", "lexicon", "Change up to 50 properties.", {"project_id": INT, "properties": {"type": "array", "items": OBJ}}, None),
    ("Create-Tag", "add", "lexicon", "Make a tag.", {"project_id": INT, "name": STR}, None),
    ("Rename-Tag", "change", "lexicon", "Rename a tag everywhere.", {"project_id": INT, "name": STR, "new_name": STR}, None),
    ("Delete-Tag", "delete", "lexicon", "Delete a tag.", {"project_id": INT, "name": STR}, None),
    ("Dismiss-Issues", "change", "lexicon", "Dismiss data-quality issues.", PROJECT, None),
    ("Update-Business-Context", "change", "lexicon", "Replace the business context.", {"content": STR}, {"project_id": INT_OR_NULL}),
    ("Create-Metric", "add", "analytics", "Save a metric.", {"project_id": INT, "name": STR}, None),
    ("Get-Metric", "read", "analytics", "One metric.", {"project_id": INT, "metric_id": INT}, None),
    ("List-Metrics", "read", "analytics", "The metrics of a project.", PROJECT, None),
    ("Update-Metric", "change", "analytics", "Change a metric.", {"project_id": INT, "metric_id": INT}, None),
    ("Get-User-Replays-Data", "read", "replays", "Session replays of a user.", {"project_id": INT, "distinct_id": STR}, None),
    ("List-Experiments", "read", "experiments", "The experiments of a project.", PROJECT, None),
    ("Get-Experiment", "read", "experiments", "One experiment.", {"project_id": INT, "experiment_id": STR}, None),
    ("Create-Experiment", "add", "experiments", "Make an experiment.", {"project_id": INT, "name": STR}, None),
    ("Update-Experiment", "change", "experiments", "Change, launch or end an experiment.", {"project_id": INT, "experiment_id": STR}, None),
    ("Get-Experiment-Setup-Guidance", "read", "experiments", "How to set an experiment up.", None, None),
    ("Get-Experiment-Results-Interpretation-Guidance", "read", "experiments", "How to read results.", None, None),
    ("List-Feature-Flags", "read", "flags", "The feature flags of a project.", PROJECT, None),
    ("Get-Feature-Flag", "read", "flags", "One feature flag.", {"project_id": INT, "flag_id": STR}, None),
    ("Create-Feature-Flag", "add", "flags", "Make a feature flag.", {"project_id": INT, "name": STR}, None),
    ("Update-Feature-Flag", "change", "flags", "Change a feature flag.", {"project_id": INT, "flag_id": STR}, None),
    ("Get-Feature-Flag-Setup-Guidance", "read", "flags", "How to set a flag up.", None, None),
    ("Get-Feature-Flag-Lifecycle-Guidance", "read", "flags", "How flags live and end.", None, None),
    # added since the first list
    ("Find-Duplicate-Groups", "read", "lexicon", "Groups of events that look alike.", PROJECT, None),
    ("Get-Custom-Property", "read", "lexicon", "One custom property.", {"project_id": INT, "property_id": INT}, None),
    ("Get-Cohort", "read", "analytics", "One cohort.", {"project_id": INT, "cohort_id": INT, "workspace_id": INT}, None),
    ("List-Cohorts", "read", "analytics", "The cohorts of a project.", PROJECT, None),
    ("Describe-Cohort-Schema", "read", "analytics", "How a cohort is written.", None, None),
    ("Get-Lookup-Table", "read", "lexicon", "One lookup table.", {"project_id": INT, "table_id": INT}, None),
    ("Explain-Experiment-Health-Check", "read", "experiments", "What a health check means.", {"project_id": INT, "experiment_id": STR}, None),
    ("Run-Experiment-Pre-Launch-Checks", "read", "experiments", "Checks before an experiment starts.", {"project_id": INT, "experiment_id": STR}, None),
    ("Search-Prior-Experiments", "read", "experiments", "Experiments like this one.", {"project_id": INT, "query": STR}, None),
    ("Create-Custom-Property", "add", "lexicon", "Make a custom property.", {"project_id": INT, "name": STR}, None),
    ("Create-Cohort", "add", "analytics", "Make a cohort.", {"project_id": INT, "name": STR}, None),
    ("Create-Lookup-Table", "add", "lexicon", "Make a lookup table.", {"project_id": INT, "name": STR}, None),
    ("Dismiss-Duplicate-Group", "change", "lexicon", "Dismiss a group of duplicates.", {"project_id": INT, "group_id": STR}, None),
    ("Merge-Group", "change", "lexicon", "Merge a group of duplicates.", {"project_id": INT, "group_id": STR}, None),
    ("Update-Custom-Property", "change", "lexicon", "Change a custom property.", {"project_id": INT, "property_id": INT}, None),
    ("Update-Cohort", "change", "analytics", "Change a cohort.", {"project_id": INT, "cohort_id": INT}, None),
    ("Update-Lookup-Table", "change", "lexicon", "Change a lookup table.", {"project_id": INT, "table_id": INT}, None),
    ("Fill-Event-Metadata", "change", "lexicon", "Write missing descriptions.", PROJECT, None),
    # beta; for admins and owners of the organisation; the arguments are a guess
    ("Get-Audit-Log", "read", "audit", "What was written through MCP in this organisation.", None, {"organization_id": INT_OR_NULL}),
    ("Delete-Cohort", "delete", "analytics", "Delete a cohort.", {"project_id": INT, "cohort_id": INT, "workspace_id": INT}, None),
]

# Schemas of answers, as far as they are known; FastMCP marks results that it wrapped.
WRAPPED = {"type": "object", "properties": {"result": {"type": "string"}}, "required": ["result"], "x-fastmcp-wrap-result": True}
OUTPUT = {"Describe-Cohort-Schema": {"type": "object", "additionalProperties": True}, "Get-Business-Context": WRAPPED}

REFUSED = "1 validation error for call[%s]\n%s\n  %s [type=%s]"
JSON_TYPES = {"integer": (int, "integer", "int_type"), "string": (str, "string", "string_type"), "boolean": (bool, "boolean", "bool_type"),
              "object": (dict, "dictionary", "dict_type"), "array": (list, "list", "list_type")}


def describe(row, annotations, number):
    """The tool definition of one row, as tools/list gives it; annotations as the switch."""
    name, kind, _, text, required, optional = row
    tool = {"name": name, "description": text, "inputSchema": schema(required, optional)}
    output = WRAPPED if name.endswith("-Guidance") else OUTPUT.get(name)
    if output:
        tool["outputSchema"] = output
    if name == "Display-Query":
        tool["_meta"] = {"ui": {"resourceUri": "ui://mixpanel/query"}}
    if annotations == "all" or (annotations == "some" and number % 2 == 0):
        tool["annotations"] = {"title": name.replace("-", " "), "readOnlyHint": kind == "read",
                               "destructiveHint": kind in ("change", "delete")}
    elif annotations == "lies":
        tool["annotations"] = {"readOnlyHint": kind in ("read", "delete"), "destructiveHint": kind == "read"}
    return tool


def find(name):
    return next((row for row in TABLE if row[0] == name), None)


def text_result(value, error=False):
    """Text content that holds JSON, and the same as structuredContent, as the service does."""
    result = {"content": [{"type": "text", "text": value if isinstance(value, str) else json.dumps(value)}]}
    if isinstance(value, dict):
        result["structuredContent"] = value
    if error:
        result["isError"] = True
    return result


def call(name, arguments, not_enabled=False):
    """The result of a tool of the table."""
    row = find(name)
    problem = wrong(name, schema(row[4], row[5]), arguments)
    if problem:
        return text_result(problem, True)
    if arguments.get("project_id") == samples.NOT_ENABLED_PROJECT or (not_enabled and "project_id" in arguments):
        return text_result("MCP access is not enabled for this project. Ask an organisation admin to enable it in the "
                           "organisation settings; it can take up to 15 minutes to take effect.", True)
    if name == "Get-Query-Schema":
        return text_result(samples.query_schema(arguments["report_type"]))
    if name.endswith("-Guidance"):
        return text_result(samples.GUIDANCE)
    return text_result(samples.ANSWERS.get(name, {"tool": name, "done": True, "arguments": arguments}))


def wrong(name, shape, arguments):
    """What the service's software says of arguments that do not fit; else None."""
    for key in shape.get("required", []):
        if key not in arguments:
            return REFUSED % (name, key, "Missing required argument", "missing_argument")
    for key, value in arguments.items():
        if key not in shape["properties"]:
            return REFUSED % (name, key, "Unexpected keyword argument", "unexpected_keyword_argument")
        kind, word, code = JSON_TYPES.get(shape["properties"][key].get("type"), (object, "", ""))
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            return REFUSED % (name, key, "Input should be a valid " + word, code)
    # Rules that the schemas do not tell.
    if name == "Get-Business-Context" and arguments.get("organization_id") is None and arguments.get("project_id") is None:
        return "Provide organization_id or project_id."
    if name == "List-Properties" and "names" in arguments and "query" in arguments:
        return "Provide names or query, not both."
    if name == "Get-Property-Values" and "property" not in arguments and "properties" not in arguments:
        return "Provide property or properties."
    return None
