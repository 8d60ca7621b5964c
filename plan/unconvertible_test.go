package plan_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// Up to the contract the deployed code writes what it writes today: values that the new types do not have, by a role that may not execute the
// function of USING. The check before the last step finds these rows, and does not fail because of them.
func TestUnconvertible(t *testing.T) {
	t.Parallel()
	const deployed = `CREATE FUNCTION to_cents(amount text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT (amount::numeric * 100)::bigint $$;
REVOKE ALL ON FUNCTION to_cents(text) FROM PUBLIC;
CREATE TABLE bills (id bigint PRIMARY KEY, amount text NOT NULL, mark varchar(40));
`
	const release = `ALTER TABLE bills ALTER COLUMN amount TYPE bigint USING to_cents(amount);
ALTER TABLE bills ALTER COLUMN mark TYPE varchar(5);`
	p := sketchRelease(t, repository(t, deployed, release))
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major)
		run := func(sql string) {
			t.Helper()
			if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatalf("run a statement: %v\n%s", err, sql)
			}
		}
		run(deployed + "INSERT INTO bills VALUES (1, '1.50', 'a'), (2, '2', NULL); " +
			"DO $$ BEGIN CREATE ROLE onward_test_biller; EXCEPTION WHEN duplicate_object THEN END $$; " +
			"GRANT ALL ON bills TO onward_test_biller; GRANT USAGE ON SCHEMA public TO onward_test_biller")
		contract := slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.Phase == onward.Contract })
		for _, s := range p.Steps[:contract] {
			run(s.SQL)
		}
		run("SET ROLE onward_test_biller")
		run("INSERT INTO bills VALUES (3, 'free', 'much too long'), (4, '4.25', 'b'); UPDATE bills SET amount = 'gratis' WHERE id = 1; RESET ROLE")
		got := pgservertest.ReadTexts(t, conn, "SELECT concat_ws(' ', id, coalesce(amount_onward::text, '-'), coalesce(mark_onward, '-')) FROM bills ORDER BY id")
		if want := []string{"1 - a", "2 200 -", "3 - -", "4 425 b"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		var failed []string
		for _, s := range p.Steps {
			if s.Backfill != nil {
				failed = append(failed, pgservertest.ReadTexts(t, conn, "SELECT t.id::text FROM "+s.Backfill.Table+" AS t WHERE "+s.Backfill.Failed+" ORDER BY 1")...)
			}
		}
		if want := []string{"1", "3", "3"}; !slices.Equal(failed, want) {
			t.Errorf("rows that fail: %v, want %v", failed, want)
		}
		countWrong := func() (wrong int) {
			for _, s := range p.Steps[contract:] {
				if s.Check != "" {
					wrong += len(pgservertest.ReadTexts(t, conn, "SELECT c::text FROM ("+s.Check+") AS c"))
				}
			}
			return wrong
		}
		if got := countWrong(); got != 4 { // of both columns, of NOT NULL, and of the CHECK
			t.Errorf("%d checks find a row, want 4", got)
		}
		run("BEGIN READ ONLY")
		if got := pgservertest.ReadTexts(t, conn, "SELECT onward_failed::text FROM onward_bills_amount_value('x')"); !slices.Equal(got, []string{"true"}) {
			t.Errorf("onward_bills_amount_value('x') reports onward_failed as %q, want true", got)
		}
		if got := pgservertest.ReadTexts(t, conn, "SELECT 'ID' WHERE txid_current_if_assigned() IS NOT NULL"); len(got) > 0 {
			t.Error("the evaluation takes a transaction ID")
		}
		run("COMMIT; GRANT EXECUTE ON FUNCTION zzz_onward_bills_amount() TO onward_test_biller; SET ROLE onward_test_biller")
		run("CREATE TEMP TABLE bills (LIKE public.bills); CREATE TRIGGER mine BEFORE INSERT ON bills FOR EACH ROW EXECUTE FUNCTION zzz_onward_bills_amount()")
		_, err := conn.Exec(t.Context(), "INSERT INTO pg_temp.bills VALUES (1, '1', 'a')")
		if refused := new(pgconn.PgError); !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("the function of the plan runs for another table: %v", err)
		}
		run("DROP TABLE pg_temp.bills; RESET ROLE; UPDATE bills SET amount = '0', mark = left(mark, 4) WHERE id IN (1, 3)")
		if got := countWrong(); got != 0 {
			t.Errorf("%d checks find a row after the correction", got)
		}
		for _, s := range p.Steps[contract:] {
			run(s.SQL)
		}
		got = pgservertest.ReadTexts(t, conn, "SELECT concat_ws(' ', id, amount, coalesce(mark, '-')) FROM bills ORDER BY id")
		if want := []string{"1 0 a", "2 200 -", "3 0 much", "4 425 b"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}
