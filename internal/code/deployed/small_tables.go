package deployed

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/size"
)

// SmallTables guesses the size of deployed tables: a table is never small if any code may insert into it.
type SmallTables struct {
	code     *Code
	database int
	deployed *catalog.Catalog
	seeds    Seeds                  // of the deployed migrations
	Release  Seeds                  // of the release so far
	guesses  map[catalog.OID]string // the answers of ExplainSmall
	dynamic  *bool                  // see hasDynamicModels
}

// NewSmallTables returns the guesses for a database. constants are the rows that its deployed migrations insert.
func NewSmallTables(code *Code, database int, deployed *catalog.Catalog, constants Seeds) *SmallTables {
	return &SmallTables{code: code, database: database, deployed: deployed, seeds: constants, guesses: map[catalog.OID]string{}}
}

// ExplainSmall says why a table is probably small; "" if it may be large.
func (s *SmallTables) ExplainSmall(oid catalog.OID) string {
	r := s.deployed.Relation(oid)
	if r == nil || s.Release[oid] < 0 {
		return ""
	}
	reason, known := s.guesses[oid]
	if !known {
		if isWholeTable(r) && s.seeds[oid] >= 0 && !s.isFilledInDatabase(r) {
			if signs, ok := s.readSizeSigns(r); ok {
				reason = signs.GuessReason()
			}
		}
		s.guesses[oid] = reason
	}
	return reason
}

// isWholeTable reports whether all rows of a table are its own, and all of its columns are known.
func isWholeTable(r *catalog.Relation) bool {
	return r.Kind == catalog.Table && !r.Inferred && !r.Partial && r.Parent == 0 && len(r.Children)+len(r.Inherits) == 0
}

// readSizeSigns asks the code. ok is false if some of it may insert rows, or if no code works on the database.
func (s *SmallTables) readSizeSigns(r *catalog.Relation) (signs size.Signs, ok bool) {
	q := question{analysis.Question{Kind: analysis.AskTable, Name: r.Name}, s.database}
	b := s.code.indexFor(q)
	uses := b.Relation(r.Name)
	most := maxRows(s.deployed, r)
	singleRow := most == 1 || s.seeds[r.OID] == 1 && b.IsSingleton(r.Name)
	if s.code.ReadFiles().err != nil || s.code.mayBeInFaulty(q) || s.mayInsert(q, b, uses, singleRow) {
		return signs, false
	}
	for _, oid := range s.viewsOf(r) {
		view := question{analysis.Question{Kind: analysis.AskTable, Name: s.deployed.Relation(oid).Name}, s.database}
		vb := s.code.indexFor(view)
		seen := vb.Relation(view.Name)
		if s.mayInsert(view, vb, seen, singleRow) {
			return signs, false
		}
		uses = append(uses, seen...)
	}
	signs = size.Signs{Most: most, Seeds: s.seeds[r.OID], Script: s.findSeedScript(q, uses), Key: findNameKey(s.deployed, r)}
	if whole := b.FindFullTableReads(r.Name); len(whole) > 0 {
		signs.Whole = fmt.Sprintf("%s:%d", whole[0].Path, whole[0].Line)
	}
	return signs, len(uses) > 0 || !s.code.isUnused(b, q)
}

// viewsOf returns the views over a table: an INSERT into a simple one goes to the table.
func (s *SmallTables) viewsOf(r *catalog.Relation) (out []catalog.OID) {
	todo := slices.Clone(r.Dependents)
	for len(todo) > 0 {
		v := s.deployed.Relation(todo[0])
		todo = todo[1:]
		if v != nil && v.Kind == catalog.View && !slices.Contains(out, v.OID) {
			out, todo = append(out, v.OID), append(todo, v.Dependents...)
		}
	}
	return out
}

// mayInsert reports whether deployed code may insert rows into a relation. singleRow is set if it has one row, by a constraint
// or in all queries of the code: then its name elsewhere, such as in a text, counts only in a call that inserts.
func (s *SmallTables) mayInsert(q question, b *index.Bound, uses []index.Use, singleRow bool) bool {
	classes, ok := s.mappedClasses(q, uses)
	if !ok || len(classes) > 0 && s.mayInsertMapped(q, b.Skip, classes) {
		return true
	}
	for _, e := range uses {
		if e.How != facts.Maps && !facts.InsertsNothing.Has(e.How) && !isSeedFile(e.Path) {
			return true
		}
	}
	for _, e := range b.String(q.Name.Name) {
		if !singleRow && !slices.ContainsFunc(uses, func(x index.Use) bool { return x.Path == e.Path && x.Line == e.Line }) && !s.declaresModel(q, e.Path) {
			return true
		}
	}
	return s.code.findPrismaLists(q.Name.Name) != nil || s.isNearInsert(q, b, singleRow, len(classes) > 0)
}

// isDiesel reports whether a file declares tables for Diesel, whose inserts have "insert" next to the name of the
// table.
func (s *SmallTables) isDiesel(file string) bool {
	text, err := s.code.base.Read(file)
	return err == nil && !strings.Contains(string(text), "sea_orm")
}

var (
	insertWords     = lazyregexp.New(`(?i)insert|upsert|bulk|\bsave|_save|\badd\b|\bcreate(?:\b|_[^adt]|\()|persist|\bcopy|merge|\bstore\(|\bput\(`)
	rustInsertWords = lazyregexp.New(`(?i)insert|upsert|\bsave|\bcopy_in|activemodel`)
	seedFolders     = lazyregexp.New(`(?i)(?:^|/)(?:db)?(?:seeds?|seeders?|fixtures?|samples?)(?:/|[._-][\w.]*$|\.\w+$)`)
)

// isSeedFile reports whether a file is a script with initial rows, which no request runs.
func isSeedFile(p string) bool { return path.Ext(p) == ".sql" && seedFolders.MatchString(p) }

// insertLines is how many lines around a name are searched for a word that inserts.
const insertLines = 4

// isNearInsert reports whether the code has the name of a table, its model or its class near a word that inserts. It
// returns true if there is too much code to search. singleRow is as for mayInsert. Scripts of seeds count only if no class maps
// the table.
func (s *SmallTables) isNearInsert(q question, b *index.Bound, singleRow, mapped bool) bool {
	words := s.code.tableNames(q)
	slices.Sort(words)
	words = slices.Compact(words)
	marks := newMarks(words)
	var paths []string
	for i, names := range s.code.ReadFiles().readIdentifiers() {
		f := &s.code.ReadFiles().files[i]
		if marks.isAnyIn(names) && (b.Skip == nil || !b.Skip(f.Path)) && !isSeedFile(f.Path) && !(mapped && isSeedScript(f.Path)) {
			paths = append(paths, f.Path)
		}
	}
	if len(paths) > maxNear {
		return true
	}
	inserts := mentions.InsertCalls(words)
	texts, err := s.code.base.ReadAll(paths)
	for p, text := range texts {
		pattern := insertWords
		if path.Ext(p) == ".rs" {
			pattern = rustInsertWords
		}
		source := mentions.CutFile(p, text)
		if singleRow && source.HasCall(inserts) || !singleRow && source.IsWordNear(words, pattern, insertLines) {
			return true
		}
	}
	return err != nil
}

// maxNear bounds the files that are read for one table.
const maxNear = 200

// isFilledInDatabase reports whether a function or a rule of the schema may insert rows into a table.
func (s *SmallTables) isFilledInDatabase(r *catalog.Relation) bool {
	insertsInto := lazyregexp.New(`(?i)\b(?:insert\s+into|merge\s+into|copy)\s+(?:only\s+)?(?:"?[\w$]+"?\s*\.\s*)?"?` + regexp.QuoteMeta(r.Name.Name) +
		`"?(?:[^\w$]|$)`)
	word := lazyregexp.New(`(?i)\b` + regexp.QuoteMeta(r.Name.Name) + `\b`)
	found := false
	s.deployed.EachFunction(func(f *catalog.Function) bool {
		for _, x := range f.Uses {
			found = found || x.Relation == r.OID
		}
		found = found || insertsInto.MatchString(f.Body) ||
			runsText.MatchString(f.Body) && (makesInsert.MatchString(f.Body) && word.MatchString(f.Body) || makesCode.MatchString(f.Body))
		return !found
	})
	s.deployed.EachRelation(func(t *catalog.Relation) bool {
		for _, rule := range t.Rules {
			for _, oid := range rule.Reads {
				found = found || oid == r.OID
			}
		}
		return !found
	})
	return found
}

var (
	// makesCode matches statements that create functions at run time: these are not visible, and may insert into any
	// table.
	makesCode   = lazyregexp.New(`(?i)\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure|rule)\b`)
	runsText    = lazyregexp.New(`(?i)\bexecute\b`)
	makesInsert = lazyregexp.New(`(?i)\binsert\s+into\s+(?:%|'|\$|"?\w*"?\s*\.?\s*%)|\bmerge\s+into\s+%|\bcopy\s+%|'\s*insert\s+into\s*'`)
)

// maxRows returns how many rows a table can have because of its constraints: the values that a CHECK allows for a
// column that is unique and not NULL. It is 0 if none limits them.
func maxRows(c *catalog.Catalog, r *catalog.Relation) int {
	for _, oid := range r.Indexes {
		x := c.Relation(oid)
		if x == nil || x.Index == nil || !x.Index.Unique || !x.Index.Valid || x.Index.Predicate != nil || len(x.Index.Keys) != 1 {
			continue
		}
		key := x.Index.Keys[0]
		if key.Column == 0 {
			if _, ok := predicate.ConstantValue(key.Expr); ok && !predicate.IsNull(key.Expr) {
				return 1
			}
			continue
		}
		col := r.Attr(key.Column)
		if col == nil || !col.NotNull && !x.Index.Primary {
			continue
		}
		for _, con := range r.Constraints {
			if con.Kind == catalog.Check && con.Valid && con.Enforced {
				if n := allowedValues(con.Expr, col.Name); n > 0 {
					return n
				}
			}
		}
		if t := col.Type; t.Name.Schema == "pg_catalog" && t.Name.Name == "bool" && t.Array == 0 {
			return 2
		}
	}
	return 0
}

// allowedValues returns how many values a condition allows for a column that is not NULL; 0 if it is not known.
func allowedValues(expr *pgparse.Node, column string) int {
	for _, cond := range predicate.ListConjuncts(expr) {
		if values := predicate.AllowedValues(cond, column); len(values) > 0 {
			return len(values)
		}
		if predicate.IsColumn(cond, column) {
			return 1 // a boolean that must be true
		}
		if e := cond.GetAExpr(); e != nil && e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP && predicate.IsColumn(e.GetLexpr(), column) &&
			e.GetRexpr().GetAConst().GetBoolval() != nil && pgparse.LastText(e.GetName()) == "=" {
			return 1
		}
	}
	return 0
}

var nameColumns = lazyregexp.New(`^(?:name|code|key|slug|label|type|kind|iso|iso_code|abbreviation|symbol|locale|lang|language|currency|country|(?:\w+_)?(?:code|name|key|slug))$`)

// findNameKey returns a column with a name or a code that is the whole key of a table; "" for none.
func findNameKey(c *catalog.Catalog, r *catalog.Relation) string {
	for _, oid := range r.Indexes {
		x := c.Relation(oid)
		if x == nil || x.Index == nil || !x.Index.Unique || x.Index.Predicate != nil || len(x.Index.Keys) != 1 {
			continue
		}
		if col := r.Attr(x.Index.Keys[0].Column); col != nil && nameColumns.MatchString(strings.ToLower(col.Name)) {
			return col.Name
		}
	}
	return ""
}

// findPrismaLists finds the lists in a Prisma schema that have a join table which no code names:
// _PostToTag for a list of Tag in Post and one of Post in Tag.
func (u *Code) findPrismaLists(table string) []index.Use {
	if !strings.HasPrefix(table, "_") {
		return nil
	}
	if u.lists == nil {
		models := all.PrismaModels(gittree.Of(u.base))
		u.lists = &models
	}
	var out []index.Use
	for _, m := range *u.lists {
		if m.Table == table {
			out = append(out, index.Use{Path: m.Path, Line: m.Line, How: facts.Maps, Grade: facts.Parsed})
		}
	}
	return out
}
