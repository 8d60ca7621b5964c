package script

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// plainPath is a path that every tool and language passes on as it is: none of its characters begins an escape or a parameter.
var plainPath = lazyregexp.New(`^[A-Za-z0-9_./ -]+$`)

// guardBegin precedes the path of the migration.
const guardBegin = "DO $onward$\nDECLARE\n  onward_migration text := "

// UnderWay begins the comment of the ledger's table of plans while a plan is under way. The paths of the migrations that plans replace follow, each in a
// line of its own, unless there are too many plans.
const UnderWay = "a plan is under way"

// guardBody reads plain tables only, whose rows nobody's code makes: anyone who may create a schema could have made onward_ledger. It has no character that
// a tool or a language replaces, such as ? or a colon before a word.
const guardBody = `;
  onward_plan text;
  onward_comment text;
BEGIN -- a plan of onward replaces this migration, so it fails while the plan is under way here
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'onward_ledger') THEN
    RETURN;
  END IF;
  IF NOT pg_catalog.has_schema_privilege('onward_ledger', 'USAGE') THEN
    SELECT pg_catalog.obj_description(c.oid, 'pg_class') INTO onward_comment FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'onward_ledger' AND c.relname = 'plan';
    IF onward_comment IS NULL OR NOT pg_catalog.starts_with(onward_comment, '` + UnderWay + `') THEN
      RETURN;
    END IF;
    IF onward_comment = '` + UnderWay + `' THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = pg_catalog.concat('a plan of onward is under way on this database, and ', current_user,
        ' cannot read whether it replaces ', onward_migration, '. Run the migration as a member of the role that owns the schema onward_ledger');
    END IF;
    IF pg_catalog.strpos(onward_comment || pg_catalog.chr(10), pg_catalog.chr(10) || onward_migration || pg_catalog.chr(10)) = 0 THEN
      RETURN;
    END IF;
    RAISE object_not_in_prerequisite_state USING MESSAGE = pg_catalog.concat('a plan of onward is under way on this database, and replaces ',
      onward_migration, ', and ', current_user, ' cannot read in which schema. For the command that goes on with it, type onward status --db ADDRESS');
  END IF;
  IF pg_catalog.to_regclass('onward_ledger.schema_plan') IS NULL THEN
    RETURN;
  END IF;
  LOCK TABLE onward_ledger.plan, onward_ledger.schema_plan IN ACCESS SHARE MODE;
  IF EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'onward_ledger' AND c.relname IN ('plan', 'schema_plan') AND (c.relkind <> 'r' OR c.relrowsecurity OR c.relhassubclass
      OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
        JOIN pg_catalog.pg_namespace AS t ON t.oid = y.typnamespace
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND (a.attgenerated <> '' OR t.nspname <> 'pg_catalog')))) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = pg_catalog.concat('the schema onward_ledger is not as onward makes it, and reading it could run ',
      'code of somebody else. Look whose it is, then run ', onward_migration, ' again');
  END IF;
  SELECT p.id INTO onward_plan FROM onward_ledger.plan AS p LEFT JOIN onward_ledger.schema_plan AS s ON s.plan = p.id
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = s.schema
  WHERE p.state NOT IN ('done', 'abandoned') AND p.plan ->> 'catalog' <> ''
    AND EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(p.plan -> 'migrations') AS m WHERE m ->> 'path' = onward_migration)
    AND (s.plan IS NULL OR pg_catalog.current_schema() IN (s.name, n.nspname));
  IF onward_plan IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = pg_catalog.concat('plan ', onward_plan, ' of onward is under way on this database, and replaces ',
      onward_migration, '. For the command that goes on with it, type onward status --db ADDRESS');
  END IF;
END
$onward$`

// GuardStatement returns a statement that fails while a plan is under way that replaces the migration of a path, and else does nothing. ok is false if the
// path has characters that a tool might change.
func GuardStatement(path string) (sql string, ok bool) {
	return guardBegin + "'" + path + "'" + guardBody, plainPath.MatchString(path)
}

// IsGuardStatement reports whether a statement is of [GuardStatement]. It changes nothing, and no part of a release has to run it.
func IsGuardStatement(sql string) bool {
	rest, found := strings.CutPrefix(sql, guardBegin)
	if !found {
		return false
	}
	l := pgparse.NextLexeme(rest, 0)
	guard, ok := GuardStatement(strings.Trim(rest[l.Start:l.End], "'"))
	return ok && guard == sql
}
