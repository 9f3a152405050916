"""What the service does for a request, whatever the era: lists, calls, prompts, resources."""

import samples
import tools
import trials
from jsonrpc import NO_METHOD, PARAMS, RpcError

NAME, VERSION = "Mixpanel MCP Server (sandbox)", "0"
SERVER_INFO = {"name": NAME, "version": VERSION}
INSTRUCTIONS = "Sample data only. Start with Get-Projects."
CAPABILITIES = {"tools": {"listChanged": True}, "prompts": {"listChanged": True},
                "resources": {"subscribe": True, "listChanged": True}, "logging": {}, "completions": {}}
PROMPTS = [{"name": "weekly-report", "title": "Report of the week", "description": "The numbers of the last seven days",
            "arguments": [{"name": "project", "description": "Name of a project", "required": True}]}]
TEMPLATES = [{"uriTemplate": "mixpanel://query/{query_id}", "name": "A query's result", "mimeType": "application/json"}]
SCOPE = "business_context"  # what a tool of --deny-tool says is missing


class Service:
    def __init__(self, sandbox):
        self.sandbox, self.options = sandbox, sandbox.options
        self.methods = {"tools/list": self.list_tools, "tools/call": self.call_tool, "prompts/list": self.list_prompts,
                        "prompts/get": self.get_prompt, "resources/list": self.list_resources,
                        "resources/read": self.read_resource,
                        "resources/templates/list": lambda call: {"resourceTemplates": TEMPLATES},
                        "completion/complete": self.complete}

    def run(self, call):
        """The result for a request: an object, or its bytes. Raises RpcError."""
        method = self.methods.get(call.method)
        if method is None:
            raise RpcError(NO_METHOD, "Method not found", status=404)
        return method(call)

    # ---- tools

    def tools(self):
        found = [tools.describe(row, self.options.annotations, n) for n, row in enumerate(tools.TABLE)]
        found += [tools.describe((name, "read", "", "A tool that came later.", None, None), "all", 0)
                  for name in self.options.new_tool]
        return found + (trials.definitions(self.sandbox) if self.options.test_tools else [])

    def list_tools(self, call):
        return self.page(call, "tools", self.tools())

    def call_tool(self, call):
        name, arguments = call.params.get("name"), call.params.get("arguments")
        arguments = {} if arguments is None else arguments
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise RpcError(PARAMS, "tools/call needs a name, and arguments as an object")
        if name in self.options.deny_tool:
            return self.scope_missing(call, name)
        trial = trials.find(name) if self.options.test_tools else None
        if trial:
            try:
                return trial(call, arguments)
            except (KeyError, TypeError, ValueError) as problem:
                raise RpcError(PARAMS, "%s: %r" % (name, problem))
        if name in self.options.new_tool:
            return tools.text_result({"tool": name, "done": True})
        if tools.find(name) is None:
            return self.unknown_tool(call, name)
        call.progress(1, 2)
        result = tools.call(name, arguments, self.options.not_enabled)
        call.progress(2, 2)
        return result

    def unknown_tool(self, call, name):
        if call.era == "modern":
            raise RpcError(PARAMS, "Unknown tool: " + name)
        return tools.text_result("Unknown tool: '%s'" % name, True)

    def scope_missing(self, call, name):
        text = "Tool '%s' requires scopes: %s" % (name, SCOPE)
        if self.options.scope_denied == "jsonrpc":
            raise RpcError(-32000, text)
        return tools.text_result(text, True)

    # ---- prompts and resources

    def list_prompts(self, call):
        return self.page(call, "prompts", PROMPTS + (trials.PROMPTS if self.options.test_tools else []))

    def get_prompt(self, call):
        name = call.params.get("name")
        if self.options.test_tools and name in trials.PROMPT_NAMES:
            return trials.prompt(call)
        if name != PROMPTS[0]["name"]:
            raise RpcError(PARAMS, "Unknown prompt: %s" % name)
        project = (call.params.get("arguments") or {}).get("project")
        if project is None:
            raise RpcError(PARAMS, "Missing required argument: project")
        content = {"type": "text", "text": "Write the report of the week for the project %s." % project}
        return {"description": PROMPTS[0]["description"], "messages": [{"role": "user", "content": content}]}

    def list_resources(self, call):
        return self.page(call, "resources", samples.RESOURCES + (trials.RESOURCES if self.options.test_tools else []))

    def read_resource(self, call):
        uri = call.params.get("uri")
        if self.options.test_tools and uri in trials.RESOURCE_URIS:
            return trials.read(call, uri)
        found = next((r for r in samples.RESOURCES if r["uri"] == uri), None)
        if found is None:
            raise RpcError(PARAMS if call.era == "modern" else -32002, "Resource not found", {"uri": uri})
        return {"contents": [{"uri": uri, "mimeType": found["mimeType"], "text": samples.contents(uri)}]}

    def complete(self, call):
        ref, argument = call.params.get("ref"), call.params.get("argument")
        if not isinstance(ref, dict) or not isinstance(argument, dict):
            raise RpcError(PARAMS, "completion/complete needs ref and argument")
        typed = str(argument.get("value", "")).lower()
        names = [p["name"] for p in samples.PROJECTS.values() if p["name"].lower().startswith(typed)]
        return {"completion": {"values": names, "total": len(names), "hasMore": False}}

    def page(self, call, name, items):
        """A list, in pages when the switch says so."""
        size, cursor = self.options.page_size, call.params.get("cursor")
        if cursor is None:
            start = 0
        elif isinstance(cursor, str) and cursor.isdigit() and size and int(cursor) < len(items):
            start = int(cursor)
        else:
            raise RpcError(PARAMS, "Invalid cursor")
        if not size:
            return {name: items}
        more = {"nextCursor": str(start + size)} if start + size < len(items) else {}
        return {name: items[start:start + size], **more}
