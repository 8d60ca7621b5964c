package ruletest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

func buildScript(sql string, mode onward.Transaction) (*script.Script, error) {
	return script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: mode})
}

// buildFile builds the script of a file.
func (r *Release) buildFile(i int) (*script.Script, error) {
	if i == 0 && r.Connections != nil {
		return buildConnections(r.Files[i].SQL, r)
	}
	return buildScript(r.Files[i].SQL, r.Transaction)
}

// buildConnections builds the script of a program that sends each statement on its connection. On each connection but 0 the first statement
// begins a transaction, which the program ends after the last statement.
func buildConnections(sql string, r *Release) (*script.Script, error) {
	f, err := pgparse.SplitText(sql)
	if err != nil || len(f.Stmts) != len(r.Connections) {
		return nil, errors.Join(err, fmt.Errorf("%s: %d statements, %d connections", r.Name, len(f.Stmts), len(r.Connections)))
	}
	src := script.Source{Text: sql, Mode: r.Transaction}
	open := map[int]bool{0: r.Transaction == onward.TransactionFile}
	for i, st := range f.Stmts {
		n := r.Connections[i]
		open[n] = open[n] || n > 0
		p := script.Part{SQL: sql[st.Start:st.End], Start: st.Start, Block: n, Connection: n}
		for other, isOpen := range open {
			if isOpen && other != n {
				p.Beside = append(p.Beside, other)
			}
		}
		slices.Sort(p.Beside)
		src.Parts = append(src.Parts, p)
	}
	return script.BuildScript(src)
}
