package refusal_test

import (
	"fmt"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// A checker returns the error with which a server of one version refuses a statement.
func ExampleChecker_CheckStatement() {
	schema := catalog.New()
	tables, _ := pgparse.SplitText("CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE items (orders int REFERENCES orders)")
	for _, s := range tables.Stmts {
		schema, _ = schema.Apply(s.Node, tables.Src[s.Start:s.End])
	}
	statements, _ := pgparse.SplitText("DROP TABLE orders; DROP TABLE items; VACUUM (process_main) orders")
	for _, s := range statements.Stmts {
		for _, version := range []int{13, 18} {
			checker := refusal.Checker{C: schema, V: refusal.NewVersion(version)}
			checker.CheckStatement(pgparse.Unwrap(s.Node))
			_, problems := schema.Judge(s.Node, statements.Src[s.Start:s.End], false)
			checker.KeepProblem(problems)
			if checker.Refusal == nil {
				fmt.Printf("%d accepts it\n", version)
				continue
			}
			fmt.Printf("%d refuses it: %s: %s\n", version, checker.Refusal.SQLSTATE, checker.Refusal.Message())
		}
	}
	// Output:
	// 13 refuses it: 2BP01: cannot drop table orders because other objects depend on it
	// 18 refuses it: 2BP01: cannot drop table orders because other objects depend on it
	// 13 accepts it
	// 18 accepts it
	// 13 refuses it: 42601: unrecognized VACUUM option "process_main"
	// 18 accepts it
}
