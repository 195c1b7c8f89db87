/* What the records of a log say. */
#include <string.h>

#include "own_parts.h"

uint32_t record_check(const struct record *record, uint64_t salt)
{
	return (uint32_t)own_mix(salt, (const char *)record + sizeof record->check, sizeof *record - sizeof record->check);
}

void record_key(struct record *record, const struct own_key *key)
{
	record->kind = key->kind;
	record->length = key->length;
	record->type = key->type;
	memcpy(record->bytes, key->bytes, key->length);
}

/* A name as records: its text in pieces. */
size_t name_records(const struct name *name, uint32_t number, struct record *records)
{
	size_t count = 0;
	for (uint32_t at = 0; at < name->length; at += OWN_HANDLE_MAX, count++) {
		uint32_t left = name->length - at, piece = left < OWN_HANDLE_MAX ? left : OWN_HANDLE_MAX;
		records[count] = (struct record){
			.op = OP_NAME,
			.part = (uint8_t)count,
			.type = (int32_t)name->length,
			.person = number,
			.grant = name->kind,
		};
		memcpy(records[count].bytes, name->text + at, piece);
	}
	return count;
}

static bool begin_name(struct reading *reading, const struct record *record)
{
	if (record->part != 0 || record->type <= 0 || record->type > NAME_MAX_LENGTH || record->grant > NAME_GRANT)
		return false;
	reading->name = record->person;
	reading->name_kind = record->grant;
	reading->name_length = (uint32_t)record->type;
	return true;
}

static bool apply_name(struct own_folder *folder, struct reading *reading, const struct record *record)
{
	if (reading->parts == 0 && !begin_name(reading, record))
		return false;
	if (record->part != reading->parts || record->person != reading->name ||
	    record->grant != reading->name_kind || (uint32_t)record->type != reading->name_length)
		return false;
	memcpy(reading->name_text + reading->parts * OWN_HANDLE_MAX, record->bytes, OWN_HANDLE_MAX);
	reading->parts++;
	if (reading->parts * OWN_HANDLE_MAX < reading->name_length)
		return true;
	reading->parts = 0;
	if (memchr(reading->name_text, '\0', reading->name_length) != NULL)
		return false;
	if (!name_define(&folder->names, reading->name, (enum name_kind)reading->name_kind, reading->name_text,
			 reading->name_length))
		return false;
	atomic_store(&name_at(&folder->names, reading->name)->logged, true);
	return true;
}

static bool is_name(struct own_folder *folder, uint32_t number, enum name_kind kind)
{
	const struct name *name = name_at(&folder->names, number);
	return name && name->kind == kind;
}

static bool apply_made(struct own_folder *folder, const struct record *record, const struct own_key *key,
		       uint64_t hash)
{
	struct shard *shard = table_shard(&folder->table, hash);
	struct entry *entry = shard_find(shard, hash, key);
	if (!is_name(folder, record->person, NAME_PERSON) || !is_name(folder, record->grant, NAME_GRANT))
		return false;
	if (entry == NULL)
		entry = table_put(&folder->table, shard, hash, key);
	if (entry == NULL)
		return false;
	entry->who = (struct own_who){ record->person, record->grant };
	entry->closed = entry->logged = record->moment;
	entry->seen = record->part != 0;
	return true;
}

static bool apply_to_key(struct own_folder *folder, const struct record *record)
{
	struct own_key key = { .kind = record->kind, .length = record->length, .type = record->type };
	if (key.kind == OWN_KEY_NONE || key.kind > OWN_KEY_BIRTH || key.length == 0 || key.length > OWN_HANDLE_MAX)
		return false;
	memcpy(key.bytes, record->bytes, key.length);
	uint64_t hash = table_hash(&folder->table, &key);
	if (record->op == OP_MADE)
		return apply_made(folder, record, &key, hash);
	struct shard *shard = table_shard(&folder->table, hash);
	struct entry *entry = shard_find(shard, hash, &key);
	if (entry && record->op == OP_CLOSED)
		entry->closed = entry->logged = record->moment;
	if (entry && record->op == OP_SEEN)
		entry->seen = true;
	if (entry && record->op == OP_GONE)
		table_take(&folder->table, shard, entry);
	return true;
}

/* False: no guard writes such a log. */
bool log_apply(struct own_folder *folder, struct reading *reading, const struct record *record)
{
	if (reading->sealed || (reading->parts > 0 && record->op != OP_NAME))
		return false;
	switch (record->op) {
	case OP_NAME:
		return apply_name(folder, reading, record);
	case OP_MADE:
	case OP_CLOSED:
	case OP_SEEN:
	case OP_GONE:
		return apply_to_key(folder, record);
	case OP_ENDED:
		if (!is_name(folder, record->grant, NAME_GRANT))
			return false;
		atomic_store(&name_at(&folder->names, record->grant)->ended, true);
		return true;
	case OP_SEAL:
		reading->sealed = true;
		return true;
	default:
		return false;
	}
}
