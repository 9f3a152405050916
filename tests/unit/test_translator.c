/*
 * Each operation of the two translators, as rows: what one side says, and what
 * of it comes out on the other. The words of a script stand in played_session.h.
 */
#include "played_session.h"

#define REQUEST(id, method, params) \
	"{'jsonrpc':'2.0','id':" id ",'method':'" method "','params':{" params "}}"
#define NOTE(method, params) "{'jsonrpc':'2.0','method':'" method "','params':{" params "}}"
#define RESULT(id, members) "{'jsonrpc':'2.0','id':" id ",'result':{" members "}}"
#define REFUSAL(id, code, more) \
	"{'jsonrpc':'2.0','id':" id ",'error':{'code':" code ",'message':'m'" more "}}"
#define SESSIONS(id) \
	"{'jsonrpc':'2.0','id':" id ",'error':{'code':-32600,'message':'Server not initialized'}}"
#define VERSION "io.modelcontextprotocol/protocolVersion"
#define META "'_meta':{'" VERSION "':'2026-07-28'}"
#define META_ASKED \
	"'_meta':{'" VERSION "':'2026-07-28','io.modelcontextprotocol/clientCapabilities':" \
	"{'elicitation':{}}}"

/* ---- a legacy client, a modern server ---- */

#define DISCOVERY \
	"'supportedVersions':['2026-07-28'],'capabilities':{'tools':{'listChanged':true}}," \
	"'serverInfo':{'name':'s','version':'1'}"
#define HELLO \
	REQUEST("0", "initialize", \
		"'protocolVersion':'2025-11-25','capabilities':{'elicitation':{}}," \
		"'clientInfo':{'name':'c','version':'1'}")

static const char *const legacy_before[] = { "C " HELLO, "> 'server/discover'...2026-07-28",
	"A discover " RESULT("'mpmcp:1'", DISCOVERY), "! modern",
	"< 'id':0...'protocolVersion':'2025-11-25'", "E 200 discover", "-", NULL };

#define WANTS_INPUT \
	RESULT("1", "'resultType':'input_required','requestState':'st','inputRequests':{'k':" \
		    "{'method':'elicitation/create','params':{'message':'q'}}}")
#define SUBSCRIBED \
	"C " NOTE("notifications/initialized", ""), \
		"> 'subscriptions/listen'...'toolsListChanged':true", \
		"A listen " NOTE("notifications/subscriptions/acknowledged", "'notifications':{}")

static const struct script legacy_rows[] = {
	{ "prepare: a request gains what the era wants",
		{ "C " REQUEST("1", "tools/call", "'name':'t'"), "> 'name':'t'",
			"A tools/call " RESULT("1", "'resultType':'complete','content':[]"),
			"< {'jsonrpc':'2.0','id':1,'result':{'content':[]}}" } },
	{ "prepare: ping is answered here",
		{ "C " REQUEST("1", "ping", ""), "< 'id':1,'result':{}" } },
	{ "prepare: a notification goes nowhere",
		{ "C " NOTE("notifications/roots/list_changed", ""), "-" } },
	{ "prepare: a log level goes with each request",
		{ "C " REQUEST("1", "logging/setLevel", "'level':'error'"), "< 'id':1,'result':{}",
			"C " REQUEST("2", "tools/list", ""),
			"> 'io.modelcontextprotocol/logLevel':'error'",
			"C " REQUEST("3", "logging/setLevel", "'level':'loud'"),
			"< 'id':3,'error'" } },
	{ "answer: questions become requests, and the call goes on with the answers",
		{ "C " REQUEST("1", "tools/call", "'name':'t'"), "> 'name':'t'",
			"A tools/call " WANTS_INPUT,
			"< 'id':'mpmcp:2','method':'elicitation/create'...'message':'q'",
			"x 'tools/call'", "C " RESULT("'mpmcp:2'", "'action':'accept'"),
			"> "
			"'id':'mpmcp:3'...'inputResponses':{'k':{'action':'accept'}},'requestState'"
			":'st'",
			"A tools/call " RESULT("'mpmcp:3'", "'content':[]"),
			"< 'id':1,'result':{'content':[]}" } },
	{ "answer: a result of a kind that no client knows",
		{ "C " REQUEST("1", "tools/call", "'name':'t'"), "> 'name':'t'",
			"A tools/call " RESULT("1", "'resultType':'odd'"), "< 'id':1,'error'" } },
	{ "responded: a refused question fails the call",
		{ "C " REQUEST("1", "tools/call", "'name':'t'"), "> 'name':'t'",
			"A tools/call " WANTS_INPUT, "< 'id':'mpmcp:2'", "x 'tools/call'",
			"C " REFUSAL("'mpmcp:2'", "-1", ""),
			"< 'notifications/cancelled'...'mpmcp:2'", "< 'id':1,'error'" } },
	{ "responded: an answer that nobody asked for is no translator's",
		{ "C " RESULT("9", ""), "-" } },
	{ "notified: a change comes through, an acknowledgment does not",
		{ SUBSCRIBED, "-", "A listen " NOTE("notifications/tools/list_changed", ""),
			"< 'notifications/tools/list_changed'" } },
	{ "asked: a server of this era must not",
		{ SUBSCRIBED, "A listen " REQUEST("7", "roots/list", ""), "-" } },
	{ "resources are watched by a subscription that replaces the one before",
		{ SUBSCRIBED, "C " REQUEST("1", "resources/subscribe", "'uri':'x:a'"),
			"> 'resourceSubscriptions':['x:a']", "-",
			"A x:a " NOTE("notifications/subscriptions/acknowledged",
				"'notifications':{'resourceSubscriptions':['x:a']}"),
			"x 'subscriptions/listen'", "< 'id':1,'result':{}" } },
	{ "a resource that the server does not tell of is not asked for again",
		{ SUBSCRIBED, "C " REQUEST("1", "resources/subscribe", "'uri':'x:a'"),
			"> 'resourceSubscriptions':['x:a']",
			"A x:a " NOTE(
				"notifications/subscriptions/acknowledged", "'notifications':{}"),
			"x 'subscriptions/listen'", "< 'id':1,'error'",
			"C " REQUEST("2", "resources/subscribe", "'uri':'x:b'"),
			"> 'resourceSubscriptions':['x:b']" } },
	{ "forget: a cancelled call takes its questions back",
		{ "C " REQUEST("1", "tools/call", "'name':'t'"), "> 'name':'t'",
			"A tools/call " WANTS_INPUT, "< 'id':'mpmcp:2'", "x 'tools/call'",
			"C " NOTE("notifications/cancelled", "'requestId':1"),
			"< 'notifications/cancelled'...'mpmcp:2'" } },
	{ "end_input: a question that nobody can answer any more fails its call",
		{ "C " REQUEST("1", "tools/call", "'name':'t'"), "> 'name':'t'",
			"A tools/call " WANTS_INPUT, "< 'id':'mpmcp:2'", "x 'tools/call'", "I",
			"< 'id':1,'error'" } },
	{ "leave: the server has sessions by now: level and resources are set in one, open "
	  "questions are void",
		{ "C " REQUEST("8", "logging/setLevel", "'level':'error'"), "< 'id':8", SUBSCRIBED,
			"C " REQUEST("7", "resources/subscribe", "'uri':'x:a'"), "> 'x:a'",
			"A x:a " NOTE("notifications/subscriptions/acknowledged",
				"'notifications':{'resourceSubscriptions':['x:a']}"),
			"x 'subscriptions/listen'", "< 'id':7,'result':{}",
			"C " REQUEST("1", "tools/call", "'name':'asks'"), "> 'asks'",
			"A tools/call " WANTS_INPUT, "< 'id':'mpmcp:4'", "x 'tools/call'",
			"C " REQUEST("2", "tools/call", "'name':'shows'"), "> 'shows'",
			"E 400 shows " SESSIONS("2"), "< 'notifications/cancelled'...'mpmcp:4'",
			"x 'subscriptions/listen'", "> 'id':0,'method':'initialize'", "-",
			"A 'initialize' " RESULT(
				"0", "'protocolVersion':'2025-11-25','capabilities':{}"),
			"! legacy", "> 'notifications/initialized'", "E 202 initialized",
			"E 200 'initialize'", "> 'logging/setLevel'...'error'",
			"> 'resources/subscribe'...'x:a'", "> 'id':2...'shows'",
			"> 'id':1...'asks'", "A shows " RESULT("2", "'content':[]"),
			"< 'id':2,'result':{'content':[]}" } },
};

/* ---- a modern client, a legacy server ---- */

#define CALL(id, name) REQUEST(id, "tools/call", META_ASKED ",'name':'" name "'")
#define QUESTION(id) REQUEST(id, "elicitation/create", "'message':'q'")

static const char *const modern_before[] = { "C " REQUEST("'d'", "server/discover", META),
	"> 'mpmcp:initialize','method':'initialize'",
	"A initialize " RESULT("'mpmcp:initialize'", "'protocolVersion':'2025-11-25',"
						     "'capabilities':{'tools':{'listChanged':true},"
						     "'logging':{},'resources':{'subscribe':true}},"
						     "'serverInfo':{'name':'s','version':'1'}"),
	"! legacy", "> 'notifications/initialized'", "E 202 initialized", "E 200 initialize",
	"< 'id':'d'...'supportedVersions'", "-", NULL };

static const struct script modern_rows[] = {
	{ "prepare and answer: what only one era knows goes and comes",
		{ "C " CALL("1", "t"), "> 'id':1,'method':'tools/call','params':{'name':'t'}",
			"A tools/call " RESULT("1", "'content':[]"),
			"< 'id':1,'result':{'resultType':'complete','content':[]}" } },
	{ "prepare: a revision that is not translated is refused",
		{ "C " REQUEST("1", "ping", "'_meta':{'" VERSION "':'2099-01-01'}"),
			"< 'id':1,'error':{'code':-32022" } },
	{ "prepare: the server is told of a log level first",
		{ "C " REQUEST("1", "tools/call",
			  "'name':'t','_meta':{'" VERSION "':'2026-07-28',"
			  "'io.modelcontextprotocol/logLevel':'info'}"),
			"> 'logging/setLevel'...'info'", "A setLevel " RESULT("'mpmcp:1'", ""),
			"E 200 setLevel", "> 'id':1...'name':'t'",
			"A 'id':1 " NOTE("notifications/message", "'level':'debug','data':1"), "-",
			"A 'id':1 " NOTE("notifications/message", "'level':'error','data':1"),
			"< 'level':'error'" } },
	{ "answer: a resource that is missing has another code",
		{ "C " CALL("1", "t"), "> 'id':1", "A tools/call " REFUSAL("1", "-32002", ""),
			"< 'code':-32602" } },
	{ "asked and resumed: a question becomes a result, the call goes on with the answer",
		{ "C " CALL("1", "t"), "> 'id':1", "A 'id':1 " QUESTION("'q'"),
			"< "
			"'id':1,'result':{'resultType':'input_required'...'inputRequests':{'q1'...'"
			"requestState':'mpmcp-",
			"C " REQUEST(
				"2", "tools/call", META ",'name':'t','requestState':'mpmcp-none'"),
			"< 'id':2,'error'",
			"C " REQUEST("3", "tools/call",
				META ",'name':'t','requestState':'TOKEN','inputResponses':{'q1':{'"
				     "action':'accept'}}"),
			"> 'id':'q','result':{'action':'accept'}", "-",
			"A 'id':1 " NOTE(
				"notifications/progress", "'progressToken':1,'progress':1"),
			"-", "A 'id':1 " RESULT("1", "'content':[]"),
			"< 'id':3,'result':{'resultType':'complete'" } },
	{ "asked: ping is answered, what the client cannot answer is refused",
		{ "C " CALL("1", "t"), "> 'id':1", "A 'id':1 " REQUEST("'p'", "ping", ""),
			"> 'id':'p','result':{}", "A 'id':1 " REQUEST("'r'", "roots/list", ""),
			"> 'id':'r','error'", "G " REQUEST("'o'", "odd", ""),
			"> 'id':'o','error'" } },
	{ "asked: with no call under way nobody can be asked",
		{ "G " QUESTION("'q'"), "> 'id':'q','error'" } },
	{ "keep and stays: an answer waits for the client that has a question",
		{ "C " CALL("1", "t"), "> 'id':1", "A 'id':1 " QUESTION("'q'"), "< 'id':1,'result'",
			"A 'id':1 " RESULT("1", "'content':[]"), "-", "E 200 'id':1", "-",
			"C " REQUEST("3", "tools/call",
				META ",'name':'t','requestState':'TOKEN','inputResponses':{'q1':{'"
				     "action':'accept'}}"),
			"> 'id':'q'", "< 'id':3,'result':{'resultType':'complete'" } },
	{ "notified and cancelled: a subscription is told of changes until it ends",
		{ "C " REQUEST("5", "subscriptions/listen",
			  META ",'notifications':{'toolsListChanged':true,"
			       "'resourceSubscriptions':['x:a']}"),
			"> 'resources/subscribe'...'x:a'", "A subscribe " RESULT("'mpmcp:1'", ""),
			"< 'notifications/subscriptions/acknowledged'...5...'x:a'",
			"E 200 subscribe", "G " NOTE("notifications/tools/list_changed", ""),
			"< subscriptionId':5", "-",
			"G " NOTE("notifications/prompts/list_changed", ""), "-",
			"C " NOTE("notifications/cancelled", META ",'requestId':5"),
			"> 'resources/unsubscribe'...'x:a'", "-",
			"G " NOTE("notifications/tools/list_changed", ""), "-" } },
	{ "cancelled: a call is no subscription",
		{ "C " CALL("1", "t"), "> 'id':1",
			"C " NOTE("notifications/cancelled", META ",'requestId':1"), "x 'id':1",
			"> 'notifications/cancelled'" } },
	{ "notified: only what belongs to a request is for this client",
		{ "G " NOTE("notifications/message", "'level':'error','data':1"), "-",
			"G " NOTE("notifications/other", ""), "-", "C " CALL("1", "t"), "> 'id':1",
			"A 'id':1 " NOTE("notifications/other", ""), "< 'notifications/other'" } },
	{ "reopened: a session that the server forgot is opened again, and what is watched in it",
		{ "C " REQUEST("5", "subscriptions/listen",
			  META ",'notifications':{'resourceSubscriptions':['x:a']}"),
			"> 'resources/subscribe'", "A subscribe " RESULT("'mpmcp:1'", ""),
			"< acknowledged", "E 200 subscribe", "C " CALL("1", "t"), "> 'id':1",
			"E 404 'id':1", "> 'method':'initialize'",
			"A initialize " RESULT("'mpmcp:initialize'",
				"'protocolVersion':'2025-11-25','capabilities':{}"),
			"! legacy", "> 'notifications/initialized'", "E 202 initialized",
			"> 'resources/subscribe'...'x:a'", "> 'id':1" } },
	{ "end_input: a subscription ends with the input",
		{ "C " REQUEST("5", "subscriptions/listen",
			  META ",'notifications':{'toolsListChanged':true}"),
			"< acknowledged", "I", "< 'id':5,'result'" } },
	{ "leave: a client that opens a session is not translated any more",
		{ "C " REQUEST("5", "subscriptions/listen",
			  META ",'notifications':{'toolsListChanged':true}"),
			"< acknowledged", "C " HELLO, "> 'id':0,'method':'initialize'",
			"A 'id':0 " RESULT("0", "'protocolVersion':'2025-11-25','capabilities':{}"),
			"! legacy", "< 'id':5,'result'", "< 'id':0,'result'" } },
};

static void legacy_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(legacy_rows) / sizeof(legacy_rows[0]); i++)
		play(ERA_MODERN, legacy_before, &legacy_rows[i]);
}

static void modern_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(modern_rows) / sizeof(modern_rows[0]); i++)
		play(ERA_LEGACY, modern_before, &modern_rows[i]);
}

#define HELLO_BATCHES REQUEST("0", "initialize", "'protocolVersion':'2025-03-26','capabilities':{}")

static const char *const batches_before[] = { "C " HELLO_BATCHES, "> 'initialize'",
	"A initialize " RESULT("0", "'protocolVersion':'2025-03-26','capabilities':{}"),
	"< 'id':0,'result'", "E 200 initialize", "-", NULL };

/* The server has no sessions by now, while all of it waits for a greeting to be taken. */
static const struct script batches_rows[] = {
	{ "a batch that goes one by one cancels the request behind it",
		{ "C " REQUEST("3", "tools/list", ""), "> 'id':3",
			"C " NOTE("notifications/initialized", ""), "> 'notifications/initialized'",
			"C [" REQUEST("1", "tools/list", "") "," NOTE(
				"notifications/cancelled", "'requestId':2") "]",
			"C " REQUEST("2", "tools/list", ""), "-",
			"E 400 'id':3 " REFUSAL(
				"3", "-32022", ",'data':{'supported':['2026-07-28']}"),
			"! modern", "> 'server/discover'", "E 202 notifications/initialized",
			"> 'id':3", "> 'id':1", "-" } },
};

static void batch_in_front_of_what_it_cancels(void **state)
{
	(void)state;
	play(ERA_LEGACY, batches_before, &batches_rows[0]);
}

/* Every operation that a table has is one of the rows above. */
static void nobody_translates_within_an_era(void **state)
{
	static const struct script rows[] = {
		{ "one era", { "C " REQUEST("1", "ping", "'a':1"), "> 'ping','params':{'a':1}",
				     "A ping " RESULT("1", "'b':2"), "< 'result':{'b':2}" } },
	};
	static const char *const none[] = { NULL };

	(void)state;
	play(ERA_LEGACY, none, &rows[0]);
	assert_null(translator_new(NULL, ERA_UNKNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_client),
		cmocka_unit_test(modern_client),
		cmocka_unit_test(batch_in_front_of_what_it_cancels),
		cmocka_unit_test(nobody_translates_within_an_era),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
