#include "decide.h"

#include <errno.h>

#include "wire.h"

static int decide_at_view(enum deed deed)
{
	switch (deed) {
	case DEED_READ:
		return 0;
	case DEED_STORE:
		return EACCES; /* it was opened at a higher level */
	default:
		return EROFS;
	}
}

/* Nothing of others disappears, and nothing of theirs leaves its directory. A file of others may
 * be replaced where it is: that is how programs save. */
static int decide_rename_at_edit(const struct facts *facts)
{
	if (facts->exchange || !facts->own || facts->holds_others)
		return EPERM;
	if (facts->onto && !facts->onto_own && !facts->same_directory)
		return EPERM;
	return 0;
}

static int decide_at_edit(enum deed deed, const struct facts *facts)
{
	switch (deed) {
	case DEED_RENAME:
		return decide_rename_at_edit(facts);
	case DEED_UNLINK:
		return facts->fresh ? 0 : EPERM;
	case DEED_LINK:
	case DEED_CHMOD:
		return facts->own ? 0 : EPERM;
	default:
		return 0;
	}
}

int decide(int level, enum deed deed, const struct facts *facts)
{
	switch (level) {
	case WIRE_VIEW:
		return decide_at_view(deed);
	case WIRE_EDIT:
	case WIRE_EDIT_DELETE:
		break;
	default:
		return EACCES; /* the grant has ended */
	}
	if (deed == DEED_MAKE_DEVICE || deed == DEED_CHOWN || deed == DEED_ATTRIBUTE_OTHER)
		return EPERM;
	return level == WIRE_EDIT ? decide_at_edit(deed, facts) : 0;
}
