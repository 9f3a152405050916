/* Owners and permissions: an access list stands where POSIX has a mode. Administrators and the system count as root does, who
 * gets at everything anyway. */
#include "os/win32_impl.h"

#include <aclapi.h>
#include <errno.h>
#include <sddl.h>
#include <stdlib.h>
#include <wchar.h>

#include "os/file.h"

/* What an entry of a list gives to others. */
#define READS FILE_READ_DATA
#define WRITES \
	(FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER)
#define EVERYTHING (GENERIC_ALL | MAXIMUM_ALLOWED)

union sid {
	SID sid;
	BYTE room[SECURITY_MAX_SID_SIZE];
};

/* The user as whom this runs, and the owner of what this process makes: a group, for an administrator. */
static struct {
	bool known;
	union sid user, owner;
} me;

static bool look_up(TOKEN_INFORMATION_CLASS what, HANDLE token, union sid *out)
{
	union {
		TOKEN_USER user;
		TOKEN_OWNER owner;
		BYTE room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
	} t;
	DWORD n;

	return GetTokenInformation(token, what, &t, sizeof(t), &n) &&
	       CopySid(sizeof(*out), &out->sid,
		       what == TokenUser ? t.user.User.Sid : t.owner.Owner);
}

static bool know_me(void)
{
	HANDLE token;

	if (me.known)
		return true;
	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		return win32_failed();
	me.known = look_up(TokenUser, token, &me.user) && look_up(TokenOwner, token, &me.owner);
	CloseHandle(token);
	return me.known || win32_failed();
}

static bool is_root(PSID sid)
{
	static const WELL_KNOWN_SID_TYPE known[] = { WinLocalSystemSid,
		WinBuiltinAdministratorsSid };
	/* NT SERVICE\TrustedInstaller, who owns the system's own files */
	static const DWORD installer[] = { 80, 956008885, 3418522649, 1831038044, 1853292631,
		2271478464 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (IsWellKnownSid(sid, known[i]))
			return true;
	for (DWORD i = 0; i < 6; i++)
		if (*GetSidSubAuthorityCount(sid) != 6 ||
			*GetSidSubAuthority(sid, i) != installer[i])
			return false;
	return true;
}

static bool is_mine(PSID sid)
{
	return know_me() && (EqualSid(sid, &me.user.sid) || EqualSid(sid, &me.owner.sid));
}

/* The last part of the identifier: short enough for a message. */
static long number_of(PSID sid)
{
	UCHAR n = *GetSidSubAuthorityCount(sid);

	return is_root(sid) || !n ? 0 : (long)(*GetSidSubAuthority(sid, (DWORD)n - 1) & 0x7fffffff);
}

long os_user(void)
{
	return know_me() ? number_of(&me.user.sid) : -1;
}

/* ---- reading ---- */

static bool counts(const ACCESS_ALLOWED_ACE *ace, PSID owner)
{
	PSID who = (PSID)(uintptr_t)&ace->SidStart;

	return ace->Header.AceType == ACCESS_ALLOWED_ACE_TYPE &&
	       !(ace->Header.AceFlags & INHERIT_ONLY_ACE) && !EqualSid(who, owner) &&
	       !is_root(who) && !is_mine(who) && !IsWellKnownSid(who, WinCreatorOwnerSid) &&
	       !IsWellKnownSid(who, WinCreatorOwnerRightsSid);
}

static unsigned others(PACL list, PSID owner, bool folder)
{
	unsigned mode = 0;
	ACCESS_ALLOWED_ACE *ace;

	if (!list)
		return folder ? 077 : 066;
	for (DWORD i = 0; i < list->AceCount; i++) {
		if (!GetAce(list, i, (void **)&ace) || !counts(ace, owner))
			continue;
		if (ace->Mask & (READS | GENERIC_READ | EVERYTHING))
			mode |= folder ? 055 : 044;
		if (ace->Mask & (WRITES | GENERIC_WRITE | EVERYTHING))
			mode |= 022;
	}
	return mode;
}

void win32_fill_access(HANDLE h, bool folder, struct os_info *out)
{
	PSECURITY_DESCRIPTOR d = NULL;
	PSID owner = NULL;
	PACL list = NULL;

	out->mode = folder ? 0777 : 0666;
	out->owner = -1;
	if (GetSecurityInfo(h, SE_FILE_OBJECT,
		    OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, NULL, &list,
		    NULL, &d) != ERROR_SUCCESS)
		return;
	if (owner) {
		out->ours = is_mine(owner);
		out->owner = out->ours ? os_user() : number_of(owner);
		out->mode = (folder ? 0700u : 0600u) | others(list, owner, folder);
	}
	LocalFree(d);
}

/* ---- changing ---- */

static PSECURITY_DESCRIPTOR make_private(bool folder)
{
	PSECURITY_DESCRIPTOR d = NULL;
	wchar_t text[256], *user = NULL;
	const wchar_t *below = folder ? L"OICI" : L"";

	if (!know_me())
		return NULL;
	if (!ConvertSidToStringSidW(&me.user.sid, &user)) {
		win32_failed();
		return NULL;
	}
	swprintf(text, sizeof(text) / sizeof(text[0]), L"D:P(A;%ls;FA;;;SY)(A;%ls;FA;;;%ls)", below,
		below, user);
	LocalFree(user);
	if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &d, NULL))
		win32_failed();
	return d;
}

SECURITY_ATTRIBUTES *win32_private(bool folder)
{
	SECURITY_ATTRIBUTES *a = malloc(sizeof(*a));

	if (!a)
		return NULL;
	*a = (SECURITY_ATTRIBUTES){ .nLength = sizeof(*a),
		.lpSecurityDescriptor = make_private(folder) };
	if (a->lpSecurityDescriptor)
		return a;
	free(a);
	return NULL;
}

void win32_private_free(SECURITY_ATTRIBUTES *a)
{
	if (a)
		LocalFree(a->lpSecurityDescriptor);
	free(a);
}

static bool keeps_lists(HANDLE h)
{
	DWORD flags = 0;

	return !GetVolumeInformationByHandleW(h, NULL, 0, NULL, NULL, &flags, NULL, 0) ||
	       flags & FILE_PERSISTENT_ACLS;
}

/* What others may get is what the folder around it gives them. */
bool os_set_mode(int fd, unsigned mode)
{
	HANDLE h = win32_handle(fd);
	BY_HANDLE_FILE_INFORMATION i;
	SECURITY_ATTRIBUTES *a = NULL;
	BOOL there = TRUE, by_default;
	PACL list = NULL;
	ACL none;
	DWORD error;

	if (h == INVALID_HANDLE_VALUE)
		return false;
	if (!GetFileInformationByHandle(h, &i))
		return win32_failed();
	if (!keeps_lists(h)) {
		errno = ENOTSUP;
		return false;
	}
	if (mode & 077) {
		InitializeAcl(&none, sizeof(none), ACL_REVISION);
		error = SetSecurityInfo(h, SE_FILE_OBJECT,
			DACL_SECURITY_INFORMATION | UNPROTECTED_DACL_SECURITY_INFORMATION, NULL,
			NULL, &none, NULL);
		return error == ERROR_SUCCESS || win32_fail(error);
	}
	if (!(a = win32_private(i.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)))
		return false;
	GetSecurityDescriptorDacl(a->lpSecurityDescriptor, &there, &list, &by_default);
	error = SetSecurityInfo(h, SE_FILE_OBJECT,
		DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL, list,
		NULL);
	win32_private_free(a);
	return error == ERROR_SUCCESS || win32_fail(error);
}

/* No mask takes anything: the folder decides. */
unsigned os_usual_mode(void)
{
	return 0644;
}

/* To give a file away takes a privilege that ordinary programs lack. */
bool os_give(int fd, long owner, long group)
{
	struct os_info i;

	if (!os_info(fd, &i))
		return false;
	if ((owner == OS_KEEP || owner == i.owner) && (group == OS_KEEP || group == i.group))
		return true;
	errno = EPERM;
	return false;
}
