package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/workload"
)

// Denied is a query that was refused because it touches deprecated columns.
type Denied struct {
	// Columns are "public.users.nickname", sorted.
	Columns []string
	// SQL is the query without its values, Calls how often it was refused, Sender who sent it; "" if that is not
	// known.
	SQL    string
	Calls  int64
	Sender string
}

// appRole is the role that the command connects as if columns are denied, because nothing is denied to a
// superuser. It owns what it works on.
const appRole = "onward"

// denySQL takes the rights on deprecated columns away from the owners of their tables:
// then a query that touches one, by its name, by a star or through a view, is refused,
// and no other is. It does so again after each statement that may make such a column;
// databases that a suite makes have it from their template.
const denySQL = `CREATE SCHEMA onward_record;
GRANT USAGE ON SCHEMA onward_record TO PUBLIC;
CREATE FUNCTION onward_record.columns() RETURNS TABLE (relation pg_catalog.oid, number pg_catalog.int2, name pg_catalog.text) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
  SELECT c.oid, a.attnum, concat(n.nspname, '.', c.relname, '.', a.attname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    AND (col_description(c.oid, a.attnum) ~* '^\s*onward:\s*deprecated' OR concat(n.nspname, '.', c.relname, '.', a.attname) = ANY (%[1]s) OR n.nspname = 'public' AND concat(c.relname, '.', a.attname) = ANY (%[1]s))
$f$;
CREATE FUNCTION onward_record.revoke() RETURNS pg_catalog.void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE t record;
BEGIN
  FOR t IN SELECT c.oid::regclass AS rel, c.relowner::regrole AS owner, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END AS who, x.privilege_type AS may,
      (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND NOT EXISTS (SELECT FROM onward_record.columns() y WHERE y.relation = a.attrelid AND y.number = a.attnum)) AS rest
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner CROSS JOIN LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) x LEFT JOIN pg_roles g ON g.oid = x.grantee
    WHERE c.oid IN (SELECT relation FROM onward_record.columns()) AND NOT r.rolsuper AND g.rolsuper IS NOT TRUE AND x.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
  LOOP
    EXECUTE format('REVOKE %%s ON %%s FROM %%s', t.may, t.rel, t.who);
    IF t.rest IS NOT NULL THEN
      EXECUTE format('GRANT %%s (%%s) ON %%s TO %%s', t.may, t.rest, t.rel, t.who);
    END IF;
  END LOOP;
  FOR t IN SELECT DISTINCT d.relation::regclass AS rel, quote_ident(a.attname) AS name, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END AS who
    FROM onward_record.columns() d JOIN pg_attribute a ON a.attrelid = d.relation AND a.attnum = d.number JOIN pg_class c ON c.oid = d.relation CROSS JOIN LATERAL aclexplode(a.attacl) x
  LOOP
    EXECUTE format('REVOKE ALL (%%s) ON %%s FROM %%s', t.name, t.rel, t.who);
  END LOOP;
END $f$;
REVOKE ALL ON FUNCTION onward_record.revoke() FROM PUBLIC;
CREATE FUNCTION onward_record.deny() RETURNS pg_catalog.event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$ BEGIN
  PERFORM onward_record.revoke();
END $f$;
CREATE EVENT TRIGGER onward_deny ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'COMMENT', 'CREATE SCHEMA') EXECUTE FUNCTION onward_record.deny();`

// denyNow does so for the columns that are there: our own sessions set no trigger off.
const denyNow = "SELECT onward_record.revoke()"

// denyDeprecatedColumns makes the target's databases refuse queries that touch deprecated columns. listed are the
// columns in the settings, in addition to the comments.
func (s *recordTarget) denyDeprecatedColumns(ctx context.Context, listed []string) error {
	if s.server == nil {
		return errors.New("columns can be denied on a throwaway server only")
	}
	quoted := make([]string, len(listed))
	for i, c := range listed {
		quoted[i] = "'" + strings.ReplaceAll(c, "'", "''") + "'"
	}
	text := fmt.Sprintf(denySQL, "ARRAY["+strings.Join(quoted, ", ")+"]::text[]")
	if err := errors.Join(makeAppRole(ctx, s.server, "template1"), makeAppRole(ctx, s.server, s.database)); err != nil {
		return err
	}
	for _, db := range []string{"template1", s.database} {
		if err := execStatements(ctx, s.server, db, text, denyNow); err != nil {
			return fmt.Errorf("deny deprecated columns: %w", err)
		}
	}
	s.user, s.owner, s.url, s.denies = appRole, appRole, s.server.URLAs(appRole, s.database), true
	return nil
}

// makeAppRole makes the role that the command connects as, which owns a database.
func makeAppRole(ctx context.Context, server *pgserver.Server, database string) error {
	return execStatements(ctx, server, database, "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '"+appRole+"') THEN CREATE ROLE "+
		appRole+"; END IF; END $$",
		"ALTER ROLE "+appRole+" LOGIN CREATEDB CREATEROLE NOSUPERUSER", "ALTER DATABASE "+pgx.Identifier{database}.Sanitize()+" OWNER TO "+
			appRole, "ALTER SCHEMA public OWNER TO "+appRole)
}

// execStatements runs statements as the superuser of a throwaway server.
func execStatements(ctx context.Context, server *pgserver.Server, database string, statements ...string) error {
	c, err := server.Connect(ctx, "", database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, sql := range statements {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// deprecatedColumns are the deprecated columns of the resolver's database.
func (r *resolver) deprecatedColumns(ctx context.Context) ([]string, error) {
	rows, _ := r.conn.Query(ctx, "SELECT name FROM onward_record.columns()")
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// deniedQueries are the queries that were refused for want of a right, and touch denied columns.
func deniedQueries(w *workload.Workload, denied map[string]bool) []Denied {
	var out []Denied
	for i := range w.Queries {
		q := &w.Queries[i]
		if q.Errors["42501"] == 0 {
			continue
		}
		columns := map[string]bool{}
		for _, u := range q.Uses {
			for _, c := range slices.Concat(u.Reads, u.Writes) {
				if name := u.Relation + "." + c; denied[name] {
					columns[name] = true
				}
			}
		}
		if len(columns) == 0 {
			continue
		}
		out = append(out, Denied{Columns: slices.Sorted(maps.Keys(columns)), SQL: q.SQL, Calls: q.Errors["42501"], Sender: workload.DescribeSenders(q.Senders)})
	}
	slices.SortFunc(out, func(a, b Denied) int { return strings.Compare(a.Columns[0]+a.SQL, b.Columns[0]+b.SQL) })
	return out
}
