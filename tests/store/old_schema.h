/* What earlier versions wrote, as it was released; never to be changed, only added to. */
#ifndef TESTS_STORE_OLD_SCHEMA_H
#define TESTS_STORE_OLD_SCHEMA_H

static const char old_schema_1[] =
	"PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN;"
	"CREATE TABLE log (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	"CREATE TABLE pending (endpoint INTEGER NOT NULL, id INTEGER NOT NULL, due INTEGER NOT NULL,"
	" replay INTEGER NOT NULL, attempts INTEGER NOT NULL, body BLOB NOT NULL,"
	" PRIMARY KEY (endpoint, id)) WITHOUT ROWID;"
	"CREATE INDEX pending_due ON pending (endpoint, due, id);"
	"CREATE INDEX pending_replay ON pending (endpoint, replay) WHERE replay <> 0;"
	"CREATE TABLE dead (endpoint INTEGER NOT NULL, event_seq INTEGER NOT NULL, attempt_seq INTEGER NOT NULL,"
	" time INTEGER NOT NULL, PRIMARY KEY (endpoint, event_seq)) WITHOUT ROWID;"
	"CREATE INDEX dead_time ON dead (time);"
	"CREATE TABLE doc (kind BLOB NOT NULL, id BLOB NOT NULL, text BLOB NOT NULL, sum INTEGER NOT NULL,"
	" PRIMARY KEY (kind, id)) WITHOUT ROWID;"
	"CREATE TABLE search (place INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA application_id = 1886352244; PRAGMA user_version = 1; COMMIT";

#endif
