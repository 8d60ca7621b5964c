package catalog

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// RowCopy is an INSERT in a trigger's function that inserts all columns of NEW or OLD at
// once, in the order of the trigger's table: INSERT INTO audit SELECT NEW.*.
type RowCopy struct {
	Mention
	Record string // NEW or OLD
	Into   *Relation
	// Fails is the server's message for each such INSERT; "" if the server accepts it.
	Fails string
	// Column is the first column of the row whose value goes to a column of another name, Lands.
	Column, Lands string
}

// IsFit reports whether every column of the row lands in one of its name.
func (r *RowCopy) IsFit() bool { return r.Fails == "" && r.Column == "" }

// CopiesRows reports whether the body may have such an INSERT: the others need not
// be parsed.
func (fn *Function) CopiesRows() bool {
	return fn.Language == "plpgsql" && strings.Contains(fn.Body, "*") && strings.Contains(strings.ToLower(fn.Body), "insert")
}

// RowCopies lists such INSERTs in the function of a row trigger of a table, if all
// columns of both tables are known.
func (c *Catalog) RowCopies(fn *Function, from *Relation) []RowCopy {
	k := &checker{c: c}
	if !fn.CopiesRows() || !k.isFullyKnown(from) {
		return nil
	}
	var out []RowCopy
	for _, part := range fn.listParts() {
		if part.Caught || !mayWriteRows(part.SQL) || !strings.Contains(part.SQL, "*") {
			continue
		}
		file, err := pgparse.SplitText(part.SQL)
		if err != nil || len(file.Stmts) != 1 {
			continue
		}
		s := file.Stmts[0].Node.GetInsertStmt()
		target := k.resolveWrittenTable(s.GetRelation())
		if s == nil || !k.isFullyKnown(target) {
			continue
		}
		if r := compareRowCopy(s, from, target); r != nil {
			r.Mention = Mention{Text: part.Text, Sure: true, Maybe: part.Maybe}
			out = append(out, *r)
		}
	}
	return out
}

// compareRowCopy compares what an INSERT gives with the columns that it gives it to; nil
// when it takes no whole row, or another star.
func compareRowCopy(s *pgparse.InsertStmt, from, target *Relation) *RowCopy {
	r := &RowCopy{Into: target}
	var sourceColumns []string // the columns of the row, "" for any other value
	for _, e := range insertedExprs(s) {
		switch record := wholeRowVariable(e); {
		case record != "":
			r.Record = strings.ToUpper(record)
			for _, c := range from.Columns {
				sourceColumns = append(sourceColumns, c.Name)
			}
		case pgparse.IsExpanding(e):
			return nil
		default:
			sourceColumns = append(sourceColumns, "")
		}
	}
	if r.Record == "" {
		return nil
	}
	var to []string
	for _, n := range s.GetCols() {
		to = append(to, clipName(n.GetResTarget().GetName()))
	}
	listed := len(to) > 0
	if !listed {
		for _, c := range target.Columns {
			to = append(to, c.Name)
		}
	}
	switch {
	case len(sourceColumns) > len(to):
		r.Fails = "INSERT has more expressions than target columns"
	case listed && len(sourceColumns) < len(to):
		r.Fails = "INSERT has more target columns than expressions"
	}
	for i, name := range sourceColumns {
		if name != "" && i < len(to) && name != to[i] {
			r.Column, r.Lands = name, to[i]
			break
		}
	}
	return r
}

// insertedExprs are the values of an INSERT of one row, or of a query; nil for any
// other.
func insertedExprs(s *pgparse.InsertStmt) []*pgparse.Node {
	sel := s.GetSelectStmt().GetSelectStmt()
	if rows := sel.GetValuesLists(); len(rows) == 1 {
		return pgparse.ListItems(rows[0])
	}
	var out []*pgparse.Node
	for _, n := range sel.GetTargetList() {
		out = append(out, n.GetResTarget().GetVal())
	}
	return out
}

// wholeRowVariable is the record of NEW.* and (NEW).*, in lower case; "" for anything else.
func wholeRowVariable(e *pgparse.Node) string {
	ref := e.GetColumnRef()
	if ref == nil {
		ref = e.GetAIndirection().GetArg().GetColumnRef()
	}
	if !pgparse.IsExpanding(e) || len(ref.GetFields()) == 0 || len(ref.GetFields()) > 2 {
		return ""
	}
	switch name := pgparse.StringText(ref.GetFields()[0]); name {
	case "new", "old":
		return name
	}
	return ""
}
