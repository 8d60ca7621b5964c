package pgservertest

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// EachMajor runs a test on all major versions and the preview, at the same time.
func EachMajor(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, withPreview(Majors()), test)
}

// EachEnd runs a test on the oldest, the newest and the preview version, at the same time.
func EachEnd(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, EndsAndPreview(), test)
}

// EachProofMajor runs a proof of our model on [ProofMajors], at the same time.
func EachProofMajor(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, ProofMajors(), test)
}

func runMajors(t *testing.T, majors []int, test func(t *testing.T, major int)) {
	t.Helper()
	for _, major := range majors {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			if major == onward.PreviewMajor {
				Server(t, major) // leaves the subtest out if it cannot be had, also one that starts a server of its own
			}
			test(t, major)
		})
	}
}

// ConnectNew opens a session in a fresh database (see [Database]), and has it run texts of SQL.
func ConnectNew(t testing.TB, major int, sql ...string) (url string, conn *pgx.Conn) {
	t.Helper()
	url = Database(t, major)
	conn = Connect(t, url)
	Exec(t, conn, sql...)
	return url, conn
}

// ReadTexts returns the rows of a query that has one column of texts.
func ReadTexts(t testing.TB, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
