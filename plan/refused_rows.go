package plan

import (
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
)

// listJudgingTables returns the tables with a row trigger for UPDATE that may raise an error, with a column that an UPDATE may set.
const listJudgingTables = `
SELECT n.nspname, c.relname, (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND a.attidentity <> 'a' ORDER BY a.attnum DESC LIMIT 1)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND EXISTS (
  SELECT FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
  WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 17 = 17 AND p.prosrc ~* '\mraise\M')`

// dropRefused removes the rows of a table that its own triggers refuse: each is updated to what it is, and the update taken back.
const dropRefused = `DO $onward$
DECLARE
  onward_place tid;
  onward_refused tid[] := '{}';
BEGIN
  FOR onward_place IN SELECT ctid FROM ONLY %[1]s LOOP
    BEGIN
      UPDATE ONLY %[1]s SET %[2]s = %[2]s WHERE ctid = onward_place;
      SET CONSTRAINTS ALL IMMEDIATE;
      RAISE EXCEPTION USING ERRCODE = 'ON001';
    EXCEPTION WHEN SQLSTATE 'ON001' THEN NULL;
      WHEN OTHERS THEN onward_refused := onward_refused || onward_place;
    END;
  END LOOP;
  FOREACH onward_place IN ARRAY onward_refused LOOP
    BEGIN
      DELETE FROM ONLY %[1]s WHERE ctid = onward_place;
    EXCEPTION WHEN OTHERS THEN NULL; -- a row that refers to it, or a trigger, keeps it
    END;
  END LOOP;
END
$onward$`

// dropRefusedRows removes made-up rows that production cannot have, because a trigger raises an error for them: a backfill of such a row
// fails. It records the tables that have none left.
func (r *proofs) dropRefusedRows() error {
	conn, err := pgx.Connect(r.ctx, r.stage.URL(r.filled))
	if err != nil {
		return err
	}
	defer conn.Close(r.ctx)
	type judgingTable struct {
		Schema, Name string
		Column       *string
	}
	rows, err := conn.Query(r.ctx, listJudgingTables)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[judgingTable])
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.Column == nil {
			continue
		}
		quoted := pgparse.QuoteIdent(t.Schema) + "." + pgparse.QuoteIdent(t.Name)
		if _, err := conn.Exec(r.ctx, fmt.Sprintf(dropRefused, quoted, pgparse.QuoteIdent(*t.Column))); err != nil {
			return fmt.Errorf("rows of %s that its triggers refuse: %w", quoted, err)
		}
		var left bool
		if err := conn.QueryRow(r.ctx, "SELECT EXISTS (SELECT FROM ONLY "+quoted+")").Scan(&left); err != nil {
			return err
		}
		if !left {
			r.emptied = append(r.emptied, t.Schema+"."+t.Name)
		}
	}
	return nil
}

// describeEmptyTables says which of some tables have no row in the proof; "" if all have some.
func (r *proofs) describeEmptyTables(touched []string) string {
	list := slices.DeleteFunc(slices.Clone(r.emptied), func(name string) bool { return !slices.Contains(touched, name) })
	if len(list) == 0 {
		return ""
	}
	return "triggers refuse all made-up rows of " + prose.EnumerateNames(list)
}
