package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// maxSeed is how many rows a history may insert one by one into a table that still counts
// as small.
const maxSeed = 500

// Seeds counts the rows that a history inserts into tables by VALUES; -1 if it also
// inserts rows in another way.
type Seeds map[catalog.OID]int

// CountSeedRows counts the rows of a migration. Tables whose name changes in it are skipped,
// because it is not known which table an INSERT means. count returns the rows of an
// INSERT, -1 if they are not known.
func (x *Seeds) CountSeedRows(after *catalog.Catalog, s *script.Script, count func(*pgparse.InsertStmt) int) {
	renamed := map[string]bool{}
	for _, st := range s.Statements {
		if n := st.Node.GetRenameStmt(); n != nil {
			renamed[n.GetRelation().GetRelname()], renamed[n.GetNewname()] = true, true
		}
	}
	for _, st := range s.Statements {
		var to *pgparse.RangeVar
		rows := -1
		switch n := pgparse.Unwrap(st.Node).(type) {
		case *pgparse.InsertStmt:
			if to = n.GetRelation(); !st.Loop {
				rows = count(n)
			}
		case *pgparse.CopyStmt:
			if n.GetIsFrom() {
				to = n.GetRelation()
			}
		case *pgparse.MergeStmt:
			to = n.GetRelation()
		}
		if to == nil {
			continue
		}
		r := after.Lookup(to.GetSchemaname(), to.GetRelname())
		if r == nil {
			continue
		}
		if *x == nil {
			*x = Seeds{}
		}
		if n := (*x)[r.OID]; n < 0 || rows < 0 || renamed[to.GetRelname()] || n+rows > maxSeed {
			(*x)[r.OID] = -1
		} else {
			(*x)[r.OID] = n + rows
		}
	}
}

// CountValues returns the rows of INSERT … VALUES, -1 for another INSERT.
func CountValues(n *pgparse.InsertStmt) int {
	if values := n.GetSelectStmt().GetSelectStmt().GetValuesLists(); len(values) > 0 {
		return len(values)
	}
	return -1
}

// CountConstants also returns the rows of DEFAULT VALUES, and of queries that read no
// table.
func CountConstants(n *pgparse.InsertStmt) int {
	switch {
	case n.GetSelectStmt() == nil:
		return 1
	case n.GetWithClause() != nil:
		return -1
	}
	return constantRows(n.GetSelectStmt().GetSelectStmt())
}

// constantRows returns the rows of a query that reads no table, or -1.
func constantRows(s *pgparse.SelectStmt) int {
	switch {
	case s == nil || s.GetWithClause() != nil || returnsSets(s):
		return -1
	case s.GetLarg() != nil:
		left, right := constantRows(s.GetLarg()), constantRows(s.GetRarg())
		if left < 0 || right < 0 {
			return -1
		}
		return left + right
	case len(s.GetValuesLists()) > 0:
		return len(s.GetValuesLists())
	case len(s.GetFromClause()) == 0:
		return 1
	case len(s.GetFromClause()) == 1:
		return constantRows(s.GetFromClause()[0].GetRangeSubselect().GetSubquery().GetSelectStmt())
	}
	return -1
}

// oneValue are functions that return one value, which seeds often contain.
var oneValue = wordSet("now gen_random_uuid uuid_generate_v4 nextval currval clock_timestamp md5 lower upper to_timestamp make_interval decode encode crypt " +
	"gen_salt")

// returnsSets reports whether a target of a query may return several rows.
func returnsSets(s *pgparse.SelectStmt) bool {
	found := false
	for _, target := range s.GetTargetList() {
		pgparse.Walk(target, func(msg any) bool {
			if f, ok := msg.(*pgparse.FuncCall); ok && !oneValue[pgparse.LastText(f.GetFuncname())] {
				found = true
			}
			return !found
		})
	}
	return found
}

// ListTables returns the tables that have only these rows: no trigger or other function inserts
// any, judged by its text.
func (x Seeds) ListTables(deployed *catalog.Catalog) map[catalog.OID]int {
	var writers []string
	deployed.EachFunction(func(f *catalog.Function) bool {
		if body := strings.ToLower(f.Body); strings.Contains(body, "insert") || strings.Contains(body, "execute") || strings.Contains(body, "merge") {
			writers = append(writers, body)
		}
		return true
	})
	out := map[catalog.OID]int{}
	for oid, n := range x {
		r := deployed.Relation(oid)
		if n <= 0 || r == nil || !r.Kind.IsTable() {
			continue
		}
		isMentioned := false
		for _, body := range writers {
			isMentioned = isMentioned || strings.Contains(body, r.Name.Name)
		}
		if !isMentioned {
			out[oid] = n
		}
	}
	return out
}

// maxUpserts is how many INSERTs with ON CONFLICT a finding shows: each of them fails.
const maxUpserts = 20

// findUpserts answers the question whether the code has ON CONFLICT on a table, or may have it.
func (u *Code) findUpserts(q question) analysis.Usage {
	sure, possibleUses := u.indexFor(q).FindUpserts(index.UpsertOn{Name: q.Name, Any: true, Fields: u.modelFields(q)})
	found := append(sure, possibleUses...)
	return analysis.Usage{Known: len(found) > 0 || u.ReadFiles().err == nil, Used: len(found) > 0, Evidence: u.makeEvidence(found, maxEvidence)}
}

// findUpsertOn searches an INSERT into the table with ON CONFLICT on these columns, or this
// constraint. It is not known if a mapper, or SQL that is built at run time, may have one.
func (u *Code) findUpsertOn(q question) analysis.Usage {
	target := index.UpsertOn{Name: q.Name, Constraint: q.Constraint, Partial: q.Partial, Fields: u.modelFields(q)}
	if q.Columns != "" {
		target.Columns = strings.Split(q.Columns, ",")
	}
	sure, possibleUses := u.indexFor(q).FindUpserts(target)
	if len(sure) > 0 {
		return analysis.Usage{Known: true, Used: true, Evidence: u.makeEvidence(sure, maxUpserts)}
	}
	return analysis.Usage{Known: len(possibleUses) == 0 && u.ReadFiles().err == nil, Evidence: u.makeEvidence(possibleUses, maxEvidence)}
}

// modelFields returns the columns of a table's models, by their classes and fields.
func (u *Code) modelFields(q question) map[string]map[string]string {
	out := map[string]map[string]string{}
	models, _ := u.deployedModels(q.database)
	for _, m := range models {
		if !isModelOf(m.Table, catalog.Name{Schema: "public", Name: q.Name.Name}) {
			continue
		}
		fields := map[string]string{}
		for _, c := range m.Columns {
			fields[strings.ToLower(c.Field)], fields[c.Column] = c.Column, c.Column
			if c.Column == "id" {
				fields["pk"] = c.Column
			}
		}
		out[m.Name[strings.LastIndexByte(m.Name, '.')+1:]] = fields
	}
	return out
}
