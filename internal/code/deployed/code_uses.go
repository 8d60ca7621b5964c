package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/onward"
)

// maxInserts bounds how many writes to a table are shown.
const maxInserts = 50

// indexFor returns the index of the code for a question, without the code of services that do
// not have the table.
func (u *Code) indexFor(q question) *index.Bound {
	b := &index.Bound{Index: u.ReadFiles().index, Schema: u.Schemas[q.database], Class: u.mappedClass(q)}
	if other, _ := u.servicesWithout(q); len(other) > 0 {
		b.Skip = func(p string) bool { return isInDirs(other, p) }
	}
	return b
}

// answerFromSQL answers a question about an object that the framework's models do not name, from
// SQL in the code and from mappers of other programs.
func (u *Code) answerFromSQL(q question) analysis.Usage {
	b := u.indexFor(q)
	uses := b.Relation(q.Name)
	if q.Column != "" {
		uses = b.Column(q.Name, q.Column)
	}
	return u.answerFromParsed(b, q, uses)
}

// searchCode answers a question about a column, or about an object with a name: a relation or
// another kind.
func (u *Code) searchCode(q question) analysis.Usage {
	b := u.indexFor(q)
	if q.Column != "" {
		uses := b.Column(q.Name, q.Column)
		out := u.answerFromParsed(b, q, uses)
		lowerSeedUses(uses, &out)
		switch {
		case out.Used:
			u.addLoadedUse(b, q, uses, &out)
		case !out.Named:
			u.findColumnName(b, q, &out)
		}
		return out
	}
	var uses []index.Use
	switch r := u.resolveRelation(q); {
	case q.Object == analysis.FunctionObject:
		uses = append(b.Function(q.Name), b.FindSpelled(q.Name)...)
	case q.Object == analysis.TypeObject:
		uses = append(b.Type(q.Name), b.FindSpelled(q.Name)...)
	default:
		uses = append(b.Relation(q.Name), u.findPrismaLists(q.Name.Name)...)
		if r == nil || r.Index != nil || r.Kind == catalog.CompositeType {
			uses = append(uses, u.findObjectUses(b, q)...)
		}
	}
	out := u.answerFromParsed(b, q, uses)
	u.lowerDeclaredUses(q, uses, &out)
	lowerSeedUses(uses, &out)
	if !out.Used && !out.Named {
		u.findName(b, q.Name.Name, &out)
	}
	return out
}

// findRowComparisons answers the question whether the code compares whole rows of a table, in SQL or
// with a mapper.
func (u *Code) findRowComparisons(q question) analysis.Usage {
	b := u.indexFor(q)
	return u.answerFromParsed(b, q, b.FindRowComparisons(q.Name))
}

// findAmbiguousNames answers the question whether a new column makes a name in a join ambiguous.
func (u *Code) findAmbiguousNames(q question) analysis.Usage {
	b := u.indexFor(q)
	return u.answerFromParsed(b, q, b.FindAmbiguousNames(q.Name, q.Column))
}

// resolveRelation returns the relation of a question in the deployed schema; nil for none.
func (u *Code) resolveRelation(q question) *catalog.Relation {
	if c := u.Schemas[q.database]; c != nil {
		return c.Lookup(q.Name.Schema, q.Name.Name)
	}
	return nil
}

// findObjectUses returns the places that use an object by its name that is no relation: a
// function, a type, a constraint, a schema.
func (u *Code) findObjectUses(b *index.Bound, q question) []index.Use {
	uses := b.Function(q.Name)
	uses = append(uses, b.Type(q.Name)...)
	uses = append(uses, b.Constraint(q.Name.Name)...)
	uses = append(uses, b.FindSpelled(q.Name)...)
	if q.Name.Schema == "" {
		uses = append(uses, b.InSchema(q.Name.Name)...)
	}
	return uses
}

// findBoundUses answers the questions whose answers are parsed or recorded uses only.
func (u *Code) findBoundUses(q question) analysis.Usage {
	b := u.indexFor(q)
	var uses []index.Use
	switch {
	case q.Kind == analysis.AskBoundValue:
		uses = b.Value(q.Name, q.Column, q.Old)
	case q.Object == analysis.FunctionObject:
		uses = b.FindCalls(q.Name, q.Args)
	case q.Object == analysis.TypeObject:
		uses = b.Type(q.Name)
	case q.Object == analysis.CollationObject:
		uses = b.FindNamed("collation", q.Name)
	case q.Object == analysis.TextSearchObject:
		uses = b.FindNamed("text search configuration", q.Name)
	}
	out := analysis.Usage{Known: len(uses) > 0 || u.ReadFiles().err == nil, Used: len(uses) > 0, Evidence: u.makeEvidence(uses, maxEvidence)}
	lowerSeedUses(uses, &out)
	return out
}

// answerFromParsed answers a question from the places that were parsed.
func (u *Code) answerFromParsed(b *index.Bound, q question, uses []index.Use) analysis.Usage {
	out := analysis.Usage{Used: len(uses) > 0, Nothing: len(uses) == 0 && u.isUnused(b, q)}
	out.Known = out.Used || u.ReadFiles().err == nil && !u.mayBeInFaulty(q)
	out.Evidence = u.makeEvidence(uses, maxEvidence)
	if q.Column != "" {
		var reads, writes []index.Use
		for _, e := range uses {
			if isReadUse(e) {
				reads = append(reads, e)
			}
			if e.How != facts.Reads && e.How != facts.Exports {
				writes = append(writes, e)
			}
		}
		out.Read, out.Written = u.makeEvidence(reads, maxEvidence), u.makeEvidence(writes, maxEvidence)
		out.Defaulted, out.GivesValue = b.Defaults(q.Name, q.Column)
		return out
	}
	var inserting []index.Use
	for _, e := range uses {
		out.Does |= facts.NewHowSet(e.How)
		if !facts.InsertsNothing.Has(e.How) {
			inserting = append(inserting, e)
		}
	}
	out.Spelled = len(b.String(q.Name.Name)) > 0
	written := b.Writes(q.Name)
	places := make([]index.Use, 0, len(written))
	for _, w := range written[:min(len(written), maxInserts)] {
		places = append(places, index.Use{Path: w.Path, Line: w.Line})
	}
	shown := u.makeEvidence(places, maxInserts)
	for i, w := range written[:min(len(written), maxInserts)] {
		x := analysis.Written{How: w.How, Columns: w.Columns, Evidence: shown[i]}
		out.Writes = append(out.Writes, x)
		if w.How == facts.Inserts && w.Listed {
			var columns []string
			for _, c := range w.Columns {
				columns = append(columns, c.Column)
			}
			out.Inserts = append(out.Inserts, analysis.Insert{Columns: columns, Evidence: shown[i]})
		}
	}
	if len(out.Inserts) == 0 {
		out.Inserting = u.makeEvidence(inserting, maxEvidence)
	}
	return out
}

// isReadUse reports whether a use of a column reads it.
func isReadUse(e index.Use) bool {
	return e.How == facts.Reads || e.How == facts.Maps || e.How == facts.Exports
}

// findEnumLabel answers a question about a label of an enum.
func (u *Code) findEnumLabel(q question) analysis.Usage {
	b := u.indexFor(q)
	out := u.answerFromParsed(b, q, b.Label(q.Name, q.Old))
	if !out.Used {
		u.findName(b, q.Old, &out)
	}
	return out
}

// isUnused reports whether no code at the base uses the database.
func (u *Code) isUnused(b *index.Bound, q question) bool {
	empty, known := u.empty[q.database]
	if !known {
		models, _ := u.deployedModels(q.database)
		empty = models == nil && (&index.Bound{Index: b.Index, Schema: b.Schema}).IsEmpty()
		u.empty[q.database] = empty
	}
	return empty
}

// findName searches a name that no query has: as a text of its own, or in code that uses a
// relation of that name.
func (u *Code) findName(b *index.Bound, name string, out *analysis.Usage) {
	var uses []index.Use
	for _, e := range b.String(name) {
		if line := strings.TrimSpace(u.ReadFiles().sourceLine(e.Path, e.Line)); !isDeclarationLine(e.Path, line, name) {
			uses = append(uses, e)
		}
	}
	if len(uses) > 0 {
		out.Named, out.Nothing, out.Evidence = true, false, u.makeEvidence(uses, maxEvidence)
	}
}

// makeEvidence returns the first of some places for a finding.
func (u *Code) makeEvidence(uses []index.Use, most int) []onward.Evidence {
	uses = uses[:min(len(uses), most)]
	u.ReadFiles().readFilesOf(uses)
	var out []onward.Evidence
	for _, e := range uses {
		x := onward.Evidence{Kind: "code", Path: e.Path, Line: e.Line, Text: u.ReadFiles().sourceLine(e.Path, e.Line), Revision: u.name}
		if r := u.findRecording(e.Path); r != nil {
			x.Kind, x.Revision = "query", r.shortCommit()
		}
		out = append(out, x)
	}
	return out
}

// question is a rule's question about the code that uses a database.
type question struct {
	analysis.Question
	database int
}

// AnswerFor returns the function that answers questions about a database.
func (u *Code) AnswerFor(database int) AnswerFunc {
	return func(q analysis.Question) analysis.Usage { return u.answerQuestion(question{q, database}) }
}

// answerQuestion returns the uses of an object in the code and the recordings. It answers each question once.
func (u *Code) answerQuestion(q question) analysis.Usage {
	known, ok := u.cache[q]
	if !ok {
		known = u.askCode(q)
		u.addRecordings(q, &known)
		u.cache[q] = known
	}
	return known
}

func (u *Code) askCode(q question) analysis.Usage {
	switch q.Kind {
	case analysis.AskAllColumns:
		if !u.hasTypedRows(q) {
			return analysis.Usage{}
		}
		return u.findAllColumnsUses(q)
	case analysis.AskLabel:
		return u.findEnumLabel(q)
	case analysis.AskValue:
		return u.findKnownValues(q)
	case analysis.AskSetting:
		return u.findSetting(q)
	case analysis.AskUpsert:
		return u.findUpsertOn(q)
	case analysis.AskUpserts:
		return u.findUpserts(q)
	case analysis.AskNull:
		return u.findNullFailures(q)
	case analysis.AskAdded:
		return u.findAddedUses(q)
	case analysis.AskSoftDelete:
		return u.findSoftDelete(q)
	case analysis.AskAmbiguous:
		return u.findAmbiguousNames(q)
	case analysis.AskObject, analysis.AskBoundValue:
		return u.findBoundUses(q)
	case analysis.AskCompared:
		return u.findRowComparisons(q)
	}
	if known, ok := u.answerFromModels(q); ok && q.Object == analysis.AnyObject && (known.Used || q.Kind != analysis.AskName) {
		if known.Used {
			if q.Column == "" {
				u.lowerModelUses(q, &known)
			}
			return known
		}
		if raw := u.answerFromSQL(q); raw.Used {
			return raw
		}
		return known
	}
	out := u.searchCode(q)
	if q.Kind != analysis.AskName {
		u.searchNames(q, &out)
	}
	return out
}

// AnswerFunc answers questions about the deployed code.
type AnswerFunc = func(analysis.Question) analysis.Usage

// findSetting answers the question whether the code sets a setting of a session. It is not known
// if the code builds a setting's name.
func (u *Code) findSetting(q question) analysis.Usage {
	uses, unknown := u.indexFor(q).Setting(q.Name.Name)
	return analysis.Usage{Known: len(uses) > 0 || !unknown && u.ReadFiles().err == nil, Used: len(uses) > 0, Evidence: u.makeEvidence(uses, maxEvidence)}
}
