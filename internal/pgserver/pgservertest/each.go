package pgservertest

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// EachMajor runs a test on all major versions, at the same time.
func EachMajor(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, Majors(), test)
}

// EachMajorAndPreview runs a test on all major versions and onward.PreviewMajor, at the same time.
func EachMajorAndPreview(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, append(Majors(), onward.PreviewMajor), test)
}

// EachEnd runs a test on the oldest and on the newest major version, at the same time.
func EachEnd(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, Ends(), test)
}

// EachEndAndPreview runs a test on the oldest, the newest and the preview version, at the same time.
func EachEndAndPreview(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, EndsAndPreview(), test)
}

func runMajors(t *testing.T, majors []int, test func(t *testing.T, major int)) {
	t.Helper()
	for _, major := range majors {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
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
