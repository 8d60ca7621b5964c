package fill_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/fill"
)

// BenchmarkFill fills a table of ten columns with a primary key, through COPY
// and all that FillDatabase does around it, ANALYZE included. The server's side of COPY
// is the bound, so what else runs on the machine shows in full.
func BenchmarkFill(b *testing.B) {
	const rows = 1_000_000
	url, conn := database(b, 18, `CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, name varchar(80) NOT NULL,
		status text NOT NULL CHECK (status IN ('new', 'active', 'gone')), age int, balance numeric(10,2) NOT NULL, active boolean NOT NULL,
		created_at timestamptz NOT NULL, born date, token uuid NOT NULL)`)
	for b.Loop() {
		r := mustFill(b, url, fill.Plan{All: rows, Seed: 1})
		if len(r.Problems) > 0 {
			b.Fatalf("fill %d rows: problems %v", rows, r.Problems)
		}
		b.ReportMetric(rows/r.Took.Seconds(), "rows/s")
		b.StopTimer()
		run(b, conn, "TRUNCATE users")
		b.StartTimer()
	}
}
