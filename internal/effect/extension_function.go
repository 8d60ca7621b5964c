package effect

import "github.com/onward-sql/onward/internal/catalog/builtin"

// extensionFunctions are functions that defaults call, from the extensions shipped with
// Postgres: in whatever schema one was put, its name is its own.
var extensionFunctions = map[string]builtin.Vol{
	"uuid_generate_v1": builtin.Volatile, "uuid_generate_v1mc": builtin.Volatile, "uuid_generate_v4": builtin.Volatile,
	"uuid_generate_v3": builtin.Immutable, "uuid_generate_v5": builtin.Immutable,
	"uuid_nil": builtin.Immutable, "uuid_ns_dns": builtin.Immutable, "uuid_ns_url": builtin.Immutable,
	"uuid_ns_oid": builtin.Immutable, "uuid_ns_x500": builtin.Immutable,
	"gen_random_uuid": builtin.Volatile, "gen_random_bytes": builtin.Volatile, "gen_salt": builtin.Volatile,
	"digest": builtin.Immutable, "hmac": builtin.Immutable, "crypt": builtin.Immutable, "unaccent": builtin.Stable,
	"hstore": builtin.Immutable,
}
