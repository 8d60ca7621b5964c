package prove

import (
	"context"
	"sort"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// facts is what is compared: one line per thing, sorted.
type facts []string

const userSchemas = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp\_%'`

// The queries give lines that fromCatalog gives too.
var queries = []struct {
	min int
	sql string
}{
	{0, `SELECT 'relation ' || n.nspname || '.' || c.relname || ' ' || c.relkind::text || c.relpersistence::text || CASE WHEN c.relrowsecurity THEN ' rls' ELSE '' END
		|| CASE WHEN c.relforcerowsecurity THEN ' force' ELSE '' END
		|| CASE c.relreplident WHEN 'f' THEN ' full' WHEN 'n' THEN CASE WHEN c.relkind IN ('r', 'p') THEN ' nothing' ELSE '' END WHEN 'i' THEN ' index' ELSE '' END
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.relkind IN ('r','p','v','m','S','f','c','i','I') AND ` + userSchemas},
	{0, `SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
		|| CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || CASE WHEN a.atthasdef AND a.attgenerated = '' THEN ' default' ELSE '' END
		|| CASE a.attidentity WHEN 'a' THEN ' identity always' WHEN 'd' THEN ' identity by default' ELSE '' END
		|| CASE a.attgenerated WHEN 's' THEN ' generated stored' WHEN 'v' THEN ' generated virtual' ELSE '' END
		|| CASE WHEN a.attinhcount > 0 THEN CASE WHEN a.attislocal THEN ' inherited local' ELSE ' inherited' END ELSE '' END
		FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
		WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r','p','v','m','f','c') AND ` + userSchemas},
	{0, `SELECT 'constraint ' || n.nspname || '.' || r.relname || ' ' || conname || ' ' || contype::text
		|| ' (' || coalesce((SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)), '') || ')'
		|| coalesce(' -> ' || fn.nspname || '.' || f.relname || ' (' || (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = confrelid AND attnum = ANY (confkey)) || ')', '')
		|| CASE WHEN convalidated THEN '' ELSE ' not valid' END || CASE WHEN condeferrable THEN ' deferrable' ELSE '' END
		|| CASE WHEN condeferred THEN ' deferred' ELSE '' END || CASE WHEN coninhcount > 0 THEN ' inherited' ELSE '' END
		|| CASE WHEN contype = 'c' AND connoinherit THEN ' no inherit' ELSE '' END
		|| CASE WHEN contype = 'f' THEN ' ' || confdeltype::text || confupdtype::text || CASE WHEN confmatchtype = 'f' THEN ' full' ELSE '' END
			|| coalesce(' sets ' || (SELECT string_agg(c, ',' ORDER BY c) FROM unnest(string_to_array(substring(pg_get_constraintdef(k.oid) FROM 'ON DELETE SET (?:NULL|DEFAULT) \(([^)]*)\)'), ', ')) c), '') ELSE '' END
		FROM pg_constraint k JOIN pg_class r ON r.oid = conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
		LEFT JOIN pg_class f ON f.oid = confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
		WHERE contype IN ('c','f','p','u','x') AND NOT (contype = 'f' AND conparentid <> 0 AND EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)) AND ` + userSchemas},
	{0, `SELECT 'index ' || n.nspname || '.' || i.relname || ' on ' || t.relname || ' (' || (SELECT string_agg(coalesce(a.attname, 'expr'), ',' ORDER BY k.ord)
		FROM unnest(x.indkey) WITH ORDINALITY k(att, ord) LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.att AND k.att <> 0) || ') ' || array_to_string(x.indoption, ' ') || ' ' || am.amname
		|| CASE WHEN indisunique THEN ' unique' ELSE '' END || CASE WHEN indisprimary THEN ' primary' ELSE '' END || CASE WHEN indisvalid THEN '' ELSE ' invalid' END
		|| CASE WHEN indpred IS NOT NULL THEN ' partial' ELSE '' END || CASE WHEN indisclustered THEN ' clustered' ELSE '' END
		|| coalesce((SELECT ' part of ' || p.relname FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE h.inhrelid = x.indexrelid), '')
		FROM pg_index x JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_am am ON am.oid = i.relam WHERE ` + userSchemas},
	{0, `SELECT 'child ' || c.oid::regclass::text || ' of ' || p.oid::regclass::text || CASE WHEN c.relispartition THEN ' partition' ELSE '' END
		FROM pg_inherits h JOIN pg_class c ON c.oid = inhrelid JOIN pg_class p ON p.oid = inhparent WHERE c.relkind NOT IN ('i','I')`},
	{0, `SELECT 'default partition of ' || partrelid::regclass || ' ' || partdefid::regclass FROM pg_partitioned_table WHERE partdefid <> 0`},
	{0, `SELECT 'trigger ' || n.nspname || '.' || c.relname || ' ' || t.tgname || ' ' || p.proname || CASE WHEN tgenabled IN ('D', 'R') THEN ' disabled' ELSE '' END
		FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal OR tgparentid <> 0 AND tgconstraint = 0`},
	{0, `SELECT 'policy ' || polrelid::regclass || ' ' || polname FROM pg_policy`},
	{
		0,
		`SELECT 'rule ' || ev_class::regclass || ' ' || rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace WHERE rulename <> '_RETURN' AND ` + userSchemas,
	},
	{0, `SELECT 'owned ' || s.oid::regclass || ' by ' || t.oid::regclass || '.' || attname FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
		JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')`},
	{
		0,
		`SELECT 'sequence ' || c.oid::regclass || ' ' || format_type(seqtypid, NULL) FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE ` + userSchemas,
	},
	{0, `SELECT 'type ' || n.nspname || '.' || t.typname || ' ' || CASE WHEN t.typtype = 'p' THEN 'b' ELSE t.typtype::text END || coalesce(' (' || (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid) || ')', '')
		|| CASE WHEN t.typtype = 'd' THEN ' ' || format_type(typbasetype, typtypmod) || CASE WHEN typnotnull THEN ' not null' ELSE '' END ELSE '' END
		FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace LEFT JOIN pg_class c ON c.oid = typrelid
		WHERE (typtype IN ('e','d','r') OR typtype = 'c' AND c.relkind = 'c' OR typtype = 'b' AND typcategory <> 'A' OR NOT typisdefined) AND ` + userSchemas},
	{0, `SELECT 'domain check ' || n.nspname || '.' || typname || ' ' || conname || CASE WHEN convalidated THEN '' ELSE ' not valid' END
		FROM pg_constraint JOIN pg_type t ON t.oid = contypid JOIN pg_namespace n ON n.oid = typnamespace WHERE contype = 'c' AND ` + userSchemas},
	{0, `SELECT 'function ' || n.nspname || '.' || proname || ' ' || prokind::text || provolatile::text || ' ' || (SELECT coalesce(string_agg(format_type(t, NULL), ',' ORDER BY o), '') FROM unnest(proargtypes) WITH ORDINALITY u(t, o))
		FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE ` + userSchemas + ` AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype IN ('i', 'e'))`},
	{0, `SELECT 'statistics ' || n.nspname || '.' || stxname || ' ' || stxrelid::regclass FROM pg_statistic_ext JOIN pg_namespace n ON n.oid = stxnamespace`},
	{0, `SELECT 'publication ' || pubname || CASE WHEN puballtables THEN ' all' ELSE '' END FROM pg_publication`},
	{0, `SELECT 'published ' || pubname || ' ' || prrelid::regclass FROM pg_publication_rel JOIN pg_publication p ON p.oid = prpubid`},
	{0, `SELECT 'schema ' || nspname FROM pg_namespace n WHERE nspname <> 'public' AND ` + userSchemas},
	{0, `SELECT DISTINCT 'reads ' || ev_class::regclass || ' ' || r.oid::regclass || coalesce('.' || a.attname, '') FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid AND rulename = '_RETURN'
		JOIN pg_class r ON r.oid = refobjid LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = refobjsubid AND refobjsubid > 0
		JOIN pg_namespace n ON n.oid = r.relnamespace
		WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n' AND r.oid <> ev_class AND refobjsubid > 0 AND ` + userSchemas},
}

// fromServer reads the facts of a database.
func fromServer(ctx context.Context, t *testing.T, conn *pgx.Conn) facts {
	t.Helper()
	var out facts
	for _, q := range queries {
		rows, err := conn.Query(ctx, q.sql)
		if err != nil {
			t.Fatalf("query the server with %s: %v", q.sql, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("read the rows of %s: %v", q.sql, err)
		}
		out = append(out, lines...)
	}
	for i, l := range out {
		l = strings.ReplaceAll(l, "public.", "")
		l = strings.TrimRight(strings.ReplaceAll(l, `"`, ""), " ")
		for _, s := range spellings {
			l = strings.ReplaceAll(l, s[0], s[1])
		}
		out[i] = l
	}
	sort.Strings(out)
	return out
}

// spellings turn format_type's names into ours.
var spellings = [][2]string{
	{"timestamp without time zone", "timestamp"}, {"time without time zone", "time"},
	{"character varying", "varchar"}, {"character(1)", "char"}, {"character", "char"}, {"bit(1)", "bit"},
}
