package rule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// TestFaultOfARule: a rule that panics loses only that finding. Its findings about other
// statements, and other rules' findings, are kept.
func TestFaultOfARule(t *testing.T) {
	t.Parallel()
	faulty := sayer("faulty", func(p *Pass, s *Stmt) string {
		if strings.Contains(s.SQL, "b int") {
			panic("odd")
		}
		return "it is there"
	})
	late := &Rule{ID: "late", Release: func(*Pass, *Release) { panic("odd at the end") }}
	e := NewEngine(Config{Rules: []*Rule{faulty, late}, Versions: versions}, nil)
	m := &Migration{ID: "m", Path: "m.sql", Script: build(t, "CREATE TABLE a (a int);\nCREATE TABLE b (b int);\nCREATE TABLE c (c int);", onward.TransactionNone)}
	e.JudgeMigration(m)
	faults := e.TakeFaults()
	if len(faults) != 1 || faults[0].Rule != "faulty" || faults[0].Statement.Line != 2 || faults[0].Migration != m ||
		!strings.Contains(faults[0].Err.Error(), "odd (rule.TestFaultOfARule") {
		t.Errorf("a rule that panics gives faults %+v, want one of faulty on line 2", faults)
	}
	findings, _ := e.Finish()
	if len(findings) != 2 || findings[0].Line != 1 || findings[1].Line != 3 {
		t.Errorf("after the panic the findings are %v, want one on line 1 and one on line 3", findings)
	}
	if faults = e.TakeFaults(); len(faults) != 1 || faults[0].Rule != "late" || faults[0].Migration != nil {
		t.Errorf("a release rule that panics gives faults %+v, want one of late without a migration", faults)
	}
}

// TestFaultOverAStatement: a panic in the model loses only that statement.
func TestFaultOverAStatement(t *testing.T) {
	t.Parallel()
	tableRule := sayer("table", func(p *Pass, s *Stmt) string { return "it is there" })
	e := NewEngine(Config{Rules: []*Rule{tableRule}, Versions: versions}, nil)
	s := build(t, "CREATE TABLE a (a int);\nALTER TABLE a ADD b int;\nCREATE TABLE c (c int);", onward.TransactionFile)
	broken := &pgparse.Node{Node: (*pgparse.Node_AlterTableStmt)(nil)} // no parser makes this
	s.Statements[1].Node = broken
	m := &Migration{ID: "m", Path: "m.sql", Script: s}
	e.JudgeMigration(m)
	if len(m.Statements) != 3 || m.Statements[1].Fault == nil || m.Statements[2].Fault != nil {
		t.Fatalf("the statements are %+v, want 3, and a fault in the second only", m.Statements)
	}
	if c := m.Statements[2].After; c.Lookup("", "c") == nil || c.Lookup("", "a") == nil || c.Unmodelled == nil {
		t.Errorf("the others are folded, and nothing is sure behind it: %s", c)
	}
	deployed := NewEngine(Config{Versions: versions}, nil)
	s.Statements[1].Node = broken
	deployed.FoldDeployed(s)
	if c := deployed.Release().Deployed; c.Lookup("", "c") == nil || c.Unmodelled == nil {
		t.Errorf("FoldDeployed of a statement that panics gives catalog %s, want table c and Unmodelled", c)
	}
	if findings, _ := e.Finish(); len(findings) != 2 {
		t.Errorf("after the panic the findings are %v, want those on the 2 other statements", findings)
	}
}

// TestBound: a statement that makes too much is not judged, nor are those that follow it; and no code that a statement runs is left out
// without a word, however deep it is.
func TestBound(t *testing.T) {
	t.Parallel()
	e := NewEngine(Config{Versions: versions}, nil)
	var wide strings.Builder
	for i := range 400 {
		fmt.Fprintf(&wide, ", c%d int", i)
	}
	e.FoldDeployed(build(t, "CREATE TABLE wide (id int"+wide.String()+")", onward.TransactionNone))
	e.catalog.SetMade(true)
	m := &Migration{ID: "m", Path: "m.sql", Script: build(t, "CREATE TABLE b (LIKE wide);\nSELECT 1;\nCREATE TABLE c (LIKE wide)", onward.TransactionNone)}
	e.JudgeMigration(m)
	for _, s := range m.Statements {
		if s.Fault == nil || !strings.HasPrefix(s.Fault.Error(), "too large: ") {
			t.Errorf("%s: %v", s.SQL, s.Fault)
		}
	}
	for _, levels := range []int{300, 600} {
		var sql strings.Builder
		sql.WriteString("CREATE TABLE t (a int);\nCREATE FUNCTION f0() RETURNS void LANGUAGE plpgsql AS 'BEGIN DROP TABLE u; END';\n")
		for i := range levels {
			fmt.Fprintf(&sql, "CREATE FUNCTION f%d() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM f%d(); END';\n", i+1, i)
		}
		fmt.Fprintf(&sql, "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM f%d(); RETURN NEW; END';\n", levels)
		sql.WriteString("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();\nINSERT INTO t VALUES (1)")
		_, m := judged(t, Config{}, "CREATE TABLE u (a int)", sql.String(), onward.TransactionNone)
		var insert *Stmt
		drops := false
		for _, s := range m.Statements {
			if s.Node.GetInsertStmt() != nil {
				insert = s
			}
			drops = drops || s.Node.GetDropStmt() != nil
		}
		if exceeded := levels > 400; insert.Exceeded != exceeded || drops == exceeded {
			t.Errorf("%d levels: exceeded %t (%s), the DROP is judged: %t", levels, insert.Exceeded, insert.Opaque, drops)
		}
	}
}
