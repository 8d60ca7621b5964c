package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

const (
	mirrorsName = "what a trigger of the table changes in an UPDATE that does not name it is copied, too"
	// mostMirrorTrials limits the columns that are tried in a table.
	mostMirrorTrials = 40
)

// mirrorTrials are UPDATEs of one row in which a trigger sets a column that they do not name, as only the target may have one.
type mirrorTrials struct {
	tried int
	bad   []string
}

// tryMirrors tries each column of a backfill's table that the triggers of the plan copy, but for an identity that the server alone sets.
func (v *prover) tryMirrors(conn *pgx.Conn, s *onward.PlanStep) error {
	if s.Backfill == nil || len(s.Backfill.Triggers) == 0 || len(s.Backfill.Compare) == 0 {
		return nil
	}
	var added []string // what they are copied to: no trigger of the target can know it
	var text strings.Builder
	for i := range v.plan.Steps {
		for _, r := range v.plan.Steps[i].Replaces {
			if r.New == s.Backfill.Table {
				added = append(added, r.NewColumn)
			}
		}
		if sql := v.plan.Steps[i].SQL; strings.Contains(sql, "CREATE TRIGGER "+pgparse.QuoteIdent(s.Backfill.Triggers[0])) {
			text.WriteString(sql)
		}
	}
	rows, err := conn.Query(v.ctx, "SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = "+pgparse.QuoteLiteral(s.Backfill.Table)+
		"::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum")
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return slices.Contains(added, n) || !strings.Contains(text.String(), "NEW."+pgparse.QuoteIdent(n))
	})
	for _, n := range names[:min(len(names), mostMirrorTrials)] {
		if err := v.tryMirror(conn, s.Backfill, n); err != nil {
			return fmt.Errorf("step %s: %w", s.ID, err)
		}
	}
	return nil
}

// tryMirror gives one row, by a trigger, a value of another row, which is deleted before: a unique column has it
// once then. There are no foreign keys meanwhile, and no triggers of others. All is rolled back.
func (v *prover) tryMirror(conn *pgx.Conn, b *onward.PlannedBackfill, column string) error {
	col, failed := pgparse.QuoteIdent(column), ""
	if b.Failed != "" {
		failed = " WHERE NOT (" + b.Failed + ")"
	}
	var triggers []string
	for _, n := range b.Triggers {
		triggers = append(triggers, pgparse.QuoteLiteral(n))
	}
	some := "(SELECT t.tableoid AS part, t.ctid AS place, t." + col + " AS value FROM " + b.Table + " AS t" + failed + " LIMIT 30)"
	prepare := fmt.Sprintf(`BEGIN;
		DO $f$ DECLARE command text; BEGIN
			FOR command IN SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_catalog.pg_constraint
				WHERE contype = 'f' AND conparentid = 0 AND %[5]s::regclass IN (conrelid, confrelid)
				UNION ALL SELECT format('ALTER TABLE %%s DISABLE TRIGGER %%I', tgrelid::regclass, tgname) FROM pg_catalog.pg_trigger
				WHERE tgrelid = %[5]s::regclass AND NOT tgisinternal AND tgname <> ALL (%[4]s)
			LOOP EXECUTE command; END LOOP;
		END $f$;
		ALTER TABLE %[2]s ADD COLUMN onward_trial int;
		CREATE TEMP TABLE onward_trial ON COMMIT DROP AS SELECT a.part, a.place, b.part AS other_part, b.place AS other_place, b.value
		FROM %[1]s AS a JOIN %[1]s AS b ON a.value::text IS DISTINCT FROM b.value::text AND b.value IS NOT NULL LIMIT 1;
		CREATE FUNCTION pg_temp.onward_trial() RETURNS trigger LANGUAGE plpgsql AS
		$f$ BEGIN NEW.%[3]s := (SELECT value FROM pg_temp.onward_trial); RETURN NEW; END $f$;
		CREATE TRIGGER onward_trial BEFORE UPDATE ON %[2]s FOR EACH ROW EXECUTE FUNCTION pg_temp.onward_trial();
		DELETE FROM %[2]s AS t USING pg_temp.onward_trial AS o WHERE t.tableoid = o.other_part AND t.ctid = o.other_place`,
		some, b.Table, col, "ARRAY["+strings.Join(triggers, ", ")+"]::name[]", pgparse.QuoteLiteral(b.Table))
	var wrong []string
	for _, c := range b.Compare {
		wrong = append(wrong, "(SELECT count(*) FROM "+c.Table+" AS t WHERE "+c.Wrong+")")
	}
	count := "SELECT " + strings.Join(wrong, " + ")
	var before, after int64
	var updated pgconn.CommandTag
	_, err := conn.Exec(v.ctx, prepare)
	if err == nil {
		err = conn.QueryRow(v.ctx, count).Scan(&before)
	}
	if err == nil {
		updated, err = conn.Exec(v.ctx, "UPDATE "+b.Table+" AS t SET onward_trial = 1 FROM pg_temp.onward_trial AS o WHERE t.tableoid = o.part AND t.ctid = o.place")
	}
	if err == nil {
		err = conn.QueryRow(v.ctx, count).Scan(&after)
	}
	if _, end := conn.Exec(v.ctx, "ROLLBACK"); end != nil {
		return errors.Join(err, end)
	}
	bad, refused := "", new(pgconn.PgError)
	switch {
	case errors.As(err, &refused) && (isCausedByValues(refused.Code) || refused.Code == "42809"): // a partition gets no column of its own
		return nil
	case errors.As(err, &refused):
		bad = redact.MessageWithCode(refused)
	case err != nil:
		return err
	case after > before:
		bad = "the copy has not the new value"
	}
	if bad = column + " of " + b.Table + ": " + bad; !strings.HasSuffix(bad, ": ") && !slices.Contains(v.mirrors.bad, bad) {
		v.mirrors.bad = append(v.mirrors.bad, bad)
	}
	v.mirrors.tried += int(updated.RowsAffected())
	return nil
}

// addMirrorCheck reports the trials, if any were made.
func (v *prover) addMirrorCheck() {
	detail := prose.CountNoun(v.mirrors.tried, "such UPDATE")
	if len(v.mirrors.bad) > 0 {
		detail = strings.Join(prose.FirstLines(v.mirrors.bad, mostDifferences), "\n")
	}
	if v.mirrors.tried > 0 || len(v.mirrors.bad) > 0 {
		v.addCheck(mirrorsName, len(v.mirrors.bad) == 0, detail)
	}
}
