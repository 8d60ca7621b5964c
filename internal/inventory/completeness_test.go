package inventory

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// catalogCases have a case for each catalog column that names a relation, column, type, constraint, trigger, rule or function, for each column of
// the catalogs that describe them, and for each catalog that is keyed by class and object. The kinds of entries that read it come first; without
// one it cannot matter, for the reason.
var catalogCases = []struct{ kinds, reason, columns string }{
	// Relations.
	{"kind", "", "pg_class.relkind"},
	{"schema", "", "pg_class.relnamespace"},
	{"owner", "", "pg_class.relowner"},
	{"persistence", "", "pg_class.relpersistence"},
	{"access method", "", "pg_class.relam"},
	{"tablespace", "", "pg_class.reltablespace"},
	{"settings", "", "pg_class.reloptions"},
	{"settings of TOAST", "", "pg_class.reltoastrelid pg_class.reltoastrelid>pg_class"},
	{"row security", "", "pg_class.relrowsecurity pg_class.relforcerowsecurity"},
	{"replica identity", "", "pg_class.relreplident pg_index.indisreplident"},
	{"type", "", "pg_class.reloftype pg_class.reloftype>pg_type"},
	{"privilege", "", "pg_class.relacl pg_attribute.attacl"},
	{"populated", "", "pg_class.relispopulated"},
	{"partition parent", "", "pg_class.relispartition pg_class.relpartbound pg_inherits.inhrelid>pg_class"},
	{"partition child", "", "pg_inherits.inhparent>pg_class"},
	{"partition key", "", "pg_partitioned_table.partrelid>pg_class pg_partitioned_table.partrelid,partattrs>pg_attribute"},
	{"default partition", "", "pg_partitioned_table.partdefid>pg_class"},
	{"object function view", "whoever uses the row type depends on it", "pg_class.reltype pg_class.reltype>pg_type"},
	{"", "the relation is known by them", "pg_class.oid pg_class.relname"},
	{"", "they follow from the columns, indexes, constraints, triggers, rules and children, which have entries",
		"pg_class.relnatts pg_class.relchecks pg_class.relhasindex pg_class.relhasrules pg_class.relhastriggers pg_class.relhassubclass"},
	{"", "the server counts them, and counts again", "pg_class.relpages pg_class.reltuples pg_class.relallvisible pg_class.relallfrozen"},
	{"", "they say where and since when the rows are stored",
		`pg_class.relfilenode pg_class.relfrozenxid pg_class.relminmxid pg_class.relrewrite pg_class.relrewrite>pg_class`},
	{"", "no relation of a user is shared by databases", "pg_class.relisshared"},
	{"extension", "the configuration tables of an extension are its members", "pg_extension.extconfig>pg_class"},
	{"foreign table", "", "pg_foreign_table.ftrelid>pg_class"},
	{"publication", "", "pg_publication_rel.prrelid>pg_class"},
	{"subscription", "", "pg_subscription_rel.srrelid>pg_class"},
	{"", "ANALYZE fills it again", "pg_statistic.starelid>pg_class pg_statistic.starelid,staattnum>pg_attribute"},
	// Columns.
	{"column", "",
		`pg_attribute.attname pg_attribute.atttypid pg_attribute.atttypid>pg_type pg_attribute.atttypmod pg_attribute.attcollation
		pg_attribute.attgenerated pg_attribute.attinhcount`},
	{"not null", "", "pg_attribute.attnotnull"},
	{"identity", "", "pg_attribute.attidentity"},
	{"default generated column", "", "pg_attribute.atthasdef pg_attrdef.adrelid>pg_class pg_attrdef.adrelid,adnum>pg_attribute"},
	{"storage", "", "pg_attribute.attstorage"},
	{"compression", "", "pg_attribute.attcompression"},
	{"statistics target", "", "pg_attribute.attstattarget"},
	{"settings of column", "", "pg_attribute.attoptions"},
	{"options of column", "", "pg_attribute.attfdwoptions"},
	{"", "they identify the column", "pg_attribute.attrelid pg_attribute.attrelid>pg_class pg_attribute.attnum pg_attribute.attisdropped"},
	{"", "they are the type's", "pg_attribute.attlen pg_attribute.attbyval pg_attribute.attalign"},
	{"", "the server does not enforce it", "pg_attribute.attndims"},
	{"", "it is a cache", "pg_attribute.attcacheoff"},
	{"", "they are the values of rows that were there before the column, and rows are copied as values",
		`pg_attribute.atthasmissing pg_attribute.attmissingval`},
	{"", "without effect on a table that has a column under this name, unless it is inherited, which attinhcount says", "pg_attribute.attislocal"},
	// Indexes.
	{"index primary unique exclusion", "pg_get_indexdef prints it, or the entry names it",
		`pg_index.indexrelid pg_index.indexrelid>pg_class pg_index.indrelid pg_index.indrelid>pg_class
		pg_index.indrelid,indkey>pg_attribute pg_index.indnatts pg_index.indnkeyatts pg_index.indisunique pg_index.indnullsnotdistinct
		pg_index.indisprimary pg_index.indisexclusion
		pg_index.indkey pg_index.indcollation pg_index.indclass pg_index.indoption pg_index.indexprs pg_index.indpred pg_index.indisclustered
		pg_index.indisvalid pg_index.indisready pg_index.indislive`},
	{"primary unique exclusion", "pg_get_constraintdef prints DEFERRABLE", "pg_index.indimmediate"},
	{"", "it says which transactions may use a new index", "pg_index.indcheckxmin"},
	// Constraints.
	{"check foreign primary unique exclusion", "pg_get_constraintdef prints it",
		`pg_constraint.conrelid>pg_class pg_constraint.conrelid,conkey>pg_attribute pg_constraint.confrelid>pg_class
		pg_constraint.confrelid,confkey>pg_attribute pg_constraint.conindid>pg_class`},
	{"", "the parent's constraint has an entry", "pg_constraint.conparentid>pg_constraint"},
	{"", "a domain's constraint depends on the domain, not on the relation", "pg_constraint.contypid>pg_type"},
	// Triggers.
	{"trigger", "pg_get_triggerdef prints it, or the entry does",
		`pg_trigger.tgrelid pg_trigger.tgrelid>pg_class pg_trigger.tgname pg_trigger.tgfoid pg_trigger.tgfoid>pg_proc pg_trigger.tgtype pg_trigger.tgenabled
		pg_trigger.tgconstrrelid pg_trigger.tgconstrrelid>pg_class pg_trigger.tgdeferrable pg_trigger.tginitdeferred pg_trigger.tgnargs
		pg_trigger.tgargs pg_trigger.tgattr pg_trigger.tgrelid,tgattr>pg_attribute
		pg_trigger.tgqual pg_trigger.tgoldtable pg_trigger.tgnewtable`},
	{"foreign primary unique", "the triggers of a constraint go with it",
		`pg_trigger.tgisinternal pg_trigger.tgconstraint pg_trigger.tgconstraint>pg_constraint pg_trigger.tgconstrindid pg_trigger.tgconstrindid>pg_class`},
	{"", "the parent's trigger has an entry", "pg_trigger.tgparentid pg_trigger.tgparentid>pg_trigger"},
	{"", "it identifies the trigger", "pg_trigger.oid"},
	// Rules, policies, statistics, sequences.
	{"rule view query materialized", "", "pg_rewrite.ev_class>pg_class"},
	{"policy", "",
		`pg_policy.polname pg_policy.polrelid pg_policy.polrelid>pg_class pg_policy.polcmd pg_policy.polpermissive pg_policy.polroles pg_policy.polqual
		pg_policy.polwithcheck`},
	{"", "it identifies the policy", "pg_policy.oid"},
	{"statistics", "", "pg_statistic_ext.stxrelid>pg_class pg_statistic_ext.stxrelid,stxkeys>pg_attribute"},
	{"sequence", "", `pg_sequence.seqrelid pg_sequence.seqrelid>pg_class pg_sequence.seqtypid pg_sequence.seqtypid>pg_type pg_sequence.seqstart
		pg_sequence.seqincrement pg_sequence.seqmax pg_sequence.seqmin
		pg_sequence.seqcache pg_sequence.seqcycle`},
	// Functions and types: they use the relation by its row type, and depend on it.
	{"function", "",
		`pg_proc.prorettype>pg_type pg_proc.proargtypes>pg_type pg_proc.proallargtypes>pg_type pg_proc.provariadic>pg_type pg_proc.protrftypes>pg_type`},
	{"object", "it depends on the type, as pg_depend says", `pg_aggregate.aggtranstype>pg_type pg_aggregate.aggmtranstype>pg_type
		pg_amop.amoplefttype>pg_type pg_amop.amoprighttype>pg_type
		pg_amproc.amproclefttype>pg_type pg_amproc.amprocrighttype>pg_type pg_cast.castsource>pg_type pg_cast.casttarget>pg_type
		pg_opclass.opcintype>pg_type pg_opclass.opckeytype>pg_type
		pg_operator.oprleft>pg_type pg_operator.oprright>pg_type pg_operator.oprresult>pg_type pg_range.rngsubtype>pg_type pg_range.rngtypid>pg_type
		pg_range.rngmultitypid>pg_type pg_transform.trftype>pg_type
		pg_type.typbasetype>pg_type pg_type.typelem>pg_type pg_type.typarray>pg_type pg_type.typrelid>pg_class`},
	{"", "an enum is no row type", "pg_enum.enumtypid>pg_type"},
	{"", "it names a function, which no step replaces with a relation: a function that needs the relation has an entry",
		`pg_aggregate.aggfnoid>pg_proc pg_aggregate.aggtransfn>pg_proc pg_aggregate.aggfinalfn>pg_proc
		pg_aggregate.aggcombinefn>pg_proc pg_aggregate.aggserialfn>pg_proc pg_aggregate.aggdeserialfn>pg_proc pg_aggregate.aggmtransfn>pg_proc
		pg_aggregate.aggminvtransfn>pg_proc pg_aggregate.aggmfinalfn>pg_proc
		pg_am.amhandler>pg_proc pg_amproc.amproc>pg_proc pg_cast.castfunc>pg_proc pg_conversion.conproc>pg_proc pg_event_trigger.evtfoid>pg_proc
		pg_foreign_data_wrapper.fdwhandler>pg_proc
		pg_foreign_data_wrapper.fdwvalidator>pg_proc pg_language.lanplcallfoid>pg_proc pg_language.laninline>pg_proc pg_language.lanvalidator>pg_proc
		pg_operator.oprcode>pg_proc pg_operator.oprrest>pg_proc
		pg_operator.oprjoin>pg_proc pg_proc.prosupport>pg_proc pg_range.rngcanonical>pg_proc pg_range.rngsubdiff>pg_proc
		pg_transform.trffromsql>pg_proc pg_transform.trftosql>pg_proc pg_ts_parser.prsstart>pg_proc
		pg_ts_parser.prstoken>pg_proc pg_ts_parser.prsend>pg_proc pg_ts_parser.prsheadline>pg_proc pg_ts_parser.prslextype>pg_proc
		pg_ts_template.tmplinit>pg_proc pg_ts_template.tmpllexize>pg_proc
		pg_type.typinput>pg_proc pg_type.typoutput>pg_proc pg_type.typreceive>pg_proc pg_type.typsend>pg_proc pg_type.typmodin>pg_proc
		pg_type.typmodout>pg_proc pg_type.typanalyze>pg_proc pg_type.typsubscript>pg_proc`},
	// Catalogs that are keyed by class and object.
	{"object function view", "", "pg_depend.classid>pg_class pg_depend.refclassid>pg_class"},
	{"owner privilege policy tablespace", "each row repeats an owner, an ACL, a policy's role or a tablespace",
		`pg_shdepend.classid>pg_class pg_shdepend.refclassid>pg_class`},
	{"comment", "", "pg_description.classoid>pg_class"},
	{"security label", "", "pg_seclabel.classoid>pg_class"},
	{"initial privileges", "", "pg_init_privs.classoid>pg_class"},
	{"", "they are of databases, roles and tablespaces", "pg_shdescription.classoid>pg_class pg_shseclabel.classoid>pg_class"},
}

// serverColumns lists the catalog columns that need a case.
const serverColumns = `SELECT fktable::text || '.' || array_to_string(fkcols, ',') || '>' || pktable::text FROM pg_get_catalog_foreign_keys()
	WHERE pktable IN ('pg_class'::regclass, 'pg_attribute'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass,
		'pg_rewrite'::regclass, 'pg_proc'::regclass)`

const describedColumns = `SELECT attrelid::regclass || '.' || attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
	AND attrelid IN ('pg_class'::regclass, 'pg_attribute'::regclass, 'pg_index'::regclass, 'pg_sequence'::regclass, 'pg_trigger'::regclass,
		'pg_policy'::regclass)
	UNION SELECT attrelid::regclass || '.' || attname || '>pg_class' FROM pg_attribute JOIN pg_class c ON c.oid = attrelid AND relkind = 'r' AND
		relnamespace = 'pg_catalog'::regnamespace
	WHERE attname IN ('classid', 'classoid', 'refclassid') AND attnum > 0`

// TestCatalogsHaveCases takes the list of catalog columns from the servers. Before 14 they have no list of references.
func TestCatalogsHaveCases(t *testing.T) {
	t.Parallel()
	cases := map[string]int{}
	for i, c := range catalogCases {
		for word := range strings.FieldsSeq(c.kinds) {
			if !hasKind(word) {
				t.Errorf("no kind of entry has the word %s", word)
			}
		}
		if c.kinds == "" && c.reason == "" {
			t.Errorf("why do %s not matter?", c.columns)
		}
		for column := range strings.FieldsSeq(c.columns) {
			if _, isDuplicate := cases[column]; isDuplicate {
				t.Errorf("%s has two cases", column)
			}
			cases[column] = i
		}
	}
	var mu sync.Mutex
	used := map[string]bool{}
	t.Run("servers", func(t *testing.T) {
		pgservertest.OnEach(t, pgservertest.Majors(), func(t *testing.T, conn *pgx.Conn, major int) {
			columns := pgservertest.ReadTexts(t, conn, describedColumns)
			if major >= 14 {
				columns = append(columns, pgservertest.ReadTexts(t, conn, serverColumns)...)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, column := range columns {
				used[column] = true
				if _, known := cases[column]; !known {
					t.Errorf("Postgres %d has %s, which has no case: may it be lost with a relation, or with a column?", major, column)
				}
			}
		})
	})
	for column := range cases {
		if !used[column] {
			t.Errorf("no server has %s", column)
		}
	}
}

// hasKind reports whether a word is in the name of a kind of entries.
func hasKind(word string) bool {
	for kind := range rules {
		if slices.Contains(strings.Fields(kind), word) {
			return true
		}
	}
	return false
}
