package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// changesNames matches a body that may change the meaning of names: it creates tables, or sets
// the search path.
var changesNames = lazyregexp.New(`(?i)\b(?:create|search_path|set_config|dblink|into\s+temp)`)

// mayChangeNames reports whether a body may match changesNames. It is faster than the pattern.
func mayChangeNames(body string) bool {
	body = strings.ToLower(body)
	return strings.Contains(body, "create") || strings.Contains(body, "search_path") || strings.Contains(body, "set_config") ||
		strings.Contains(body, "dblink") || strings.Contains(body, "temp")
}

// mayReadSchema reports whether a statement may name a table or call a function of the
// schema: the others need not be parsed.
func mayReadSchema(sql string) bool {
	return strings.ContainsAny(sql, "(") || strings.Contains(strings.ToLower(sql), "from") || mayWriteRows(sql)
}

// findMissingInBody returns the first missing table or function that every call of a function
// needs. parts are the parts of its body.
func (c *Catalog) findMissingInBody(fn *Function, parts []pgparse.Part) (Mention, *Problem) {
	k := &checker{c: c}
	if fn.SetSearchPath || !k.hasPublicSearchPath() || c.gone.size == 0 && !c.definesAllTables() || mayChangeNames(fn.Body) && changesNames.MatchString(fn.Body) {
		return Mention{}, nil
	}
	for text, node := range certainStatements(parts, mayReadSchema) {
		for _, rv := range query.ListRelations(node) {
			if rv.GetSchemaname() != "" || !c.isTransitionTable(fn, clipName(rv.GetRelname())) {
				k.checkTableExists(rv)
			}
		}
		pgparse.Walk(node, func(msg any) bool {
			if call, ok := msg.(*pgparse.FuncCall); ok && k.problem == nil {
				k.checkFunctionExists(call)
			}
			return k.problem == nil
		})
		if k.problem != nil {
			return Mention{Text: text, Sure: true}, k.problem
		}
	}
	return Mention{}, nil
}

// isTransitionTable reports whether a name is a transition table that a trigger passes to a
// function.
func (c *Catalog) isTransitionTable(fn *Function, name string) bool {
	return slices.ContainsFunc(c.CalledBy(fn.Name.Name), func(r *Relation) bool {
		return slices.ContainsFunc(r.Triggers, func(t *Trigger) bool { return t.Function == fn.Name && slices.Contains(t.Transitions, name) })
	})
}

func (k *checker) checkTableExists(rv *pgparse.RangeVar) {
	if k.problem != nil {
		return
	}
	schema, name := pgparse.RangeName(rv)
	full := k.c.fullNameForCreate(schema, name)
	if k.resolveRelation(rv) != nil || k.problem != nil || isSystemSchema(full.Schema) || full.Schema == "pg_temp" || strings.HasPrefix(name, "pg_") {
		return
	}
	if k.isSchemaComplete(full.Schema) {
		k.problem = &Problem{Refusal: *pgerror.RelationMissing.NewRefusal(displayName(schema, name)), Certain: k.c.Complete, Unseen: !k.c.Complete}
	}
}

func (k *checker) checkFunctionExists(f *pgparse.FuncCall) {
	k.checkCall(f)
	schema, name := pgparse.SchemaAndName(f.GetFuncname())
	if k.problem == nil && k.c.Complete && k.c.AbsentFunction(schema, name) {
		k.problem = &Problem{Refusal: *pgerror.FunctionMissing.NewRefusal(displayName(schema, name) + "()"), Certain: true}
	}
}

// isSchemaComplete reports whether what is in a schema should have been seen: the history
// made every table that it names.
func (k *checker) isSchemaComplete(schema string) bool {
	if k.c.Complete {
		return true
	}
	return k.c.definesAllTables() && (schema == "public" || k.c.Object("schema", Name{"", schema}) != nil)
}

// definesAllTables reports whether the history made every table that it names.
func (c *Catalog) definesAllTables() bool {
	return c.definesAllTablesExcept(func(Name) bool { return false })
}

// definesAllTablesExcept is definesAllTables without some relations.
func (c *Catalog) definesAllTablesExcept(skip func(name Name) bool) bool {
	if c.Complete {
		return true
	}
	for _, guess := range c.guesses.all() {
		if !skip(guess.Name) {
			return false
		}
	}
	return c.isHistoryComplete() && c.hasOnlyPlainExtensions()
}

// CreatesAllItNames reports whether the history made every relation that it names, so that another one in the schema should have
// been seen, too. byTool reports whether a migration tool makes a table.
func (c *Catalog) CreatesAllItNames(schema string, byTool func(name Name) bool) bool {
	return c.definesAllTablesExcept(byTool) && !c.hasRewrittenTypes() && (schema == "public" || c.Object("schema", Name{"", schema}) != nil)
}

// hasOnlyPlainExtensions reports whether no extension was seen that may have brought
// tables, or functions for triggers, along.
func (c *Catalog) hasOnlyPlainExtensions() bool {
	plain := true
	c.EachObject("extension", func(o *Object) bool {
		plain = slices.Contains(withoutTriggers, o.Name.Name)
		return plain
	})
	return plain
}
