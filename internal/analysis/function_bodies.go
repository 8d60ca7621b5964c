package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// Bodies are the bodies of a catalog's functions. They are only read when a rule asks
// which functions name an object, which few statements require.
type Bodies struct {
	catalog *catalog.Catalog
	code    Code
	// words maps words to the functions whose bodies contain them. It may include
	// functions of earlier catalogs. known are the functions that it was built from.
	words  map[string][]*catalog.Function
	known  map[*catalog.Function]bool
	cached map[*catalog.Function]*catalog.Body
}

// maxRead is how many parsed bodies are cached.
const maxRead = 500

// NewBodies begins with the functions of the deployed schema. code is asked who calls a
// function.
func NewBodies(deployed *catalog.Catalog, code Code) *Bodies {
	b := &Bodies{code: code, words: map[string][]*catalog.Function{}, known: map[*catalog.Function]bool{}, cached: map[*catalog.Function]*catalog.Body{}}
	deployed.EachFunction(func(fn *catalog.Function) bool {
		b.addFunction(fn)
		return true
	})
	return b
}

// MoveTo switches to a catalog; createdFunctions are the functions created since the last one.
func (b *Bodies) MoveTo(c *catalog.Catalog, createdFunctions []*catalog.Function) {
	b.catalog = c
	for _, fn := range createdFunctions {
		b.addFunction(fn)
	}
}

// addFunction indexes the words of a function's body.
func (b *Bodies) addFunction(fn *catalog.Function) {
	if b.known[fn] || fn.Body == "" || fn.Language != "sql" && fn.Language != "plpgsql" || fn.Name.Schema == "pg_temp" {
		return
	}
	b.known[fn] = true
	for _, w := range fn.ListBodyWords() {
		if list := b.words[w]; len(list) == 0 || list[len(list)-1] != fn {
			b.words[w] = append(list, fn)
		}
	}
}

// listFunctionsWithWord lists the functions of the catalog whose bodies contain a word.
func (b *Bodies) listFunctionsWithWord(word string) []*catalog.Function {
	var out []*catalog.Function
	for _, fn := range b.words[word] {
		if IsFunctionUnchanged(b.catalog, fn) {
			out = append(out, fn)
		}
	}
	return out
}

// IsFunctionUnchanged reports whether a catalog has the function unchanged.
func IsFunctionUnchanged(c *catalog.Catalog, fn *catalog.Function) bool {
	return slices.ContainsFunc(c.Functions(fn.Name.Schema, fn.Name.Name), func(f *catalog.Function) bool {
		return f == fn || f.OID == fn.OID && f.Body == fn.Body
	})
}

// readBody returns the parsed body of a function in SQL or PL/pgSQL.
func (b *Bodies) readBody(fn *catalog.Function) *catalog.Body {
	if body, ok := b.cached[fn]; ok {
		return body
	}
	if len(b.cached) >= maxRead {
		clear(b.cached)
	}
	body := catalog.ReadBody(fn)
	b.cached[fn] = body
	return body
}

// setUseCaller finds what calls a function, the surest caller first: a trigger, an expression
// of a table, a view, the deployed code, another function that is called. seen are the
// functions on the way here.
func (b *Bodies) setUseCaller(use *FunctionUse, fn *catalog.Function, seen []*catalog.Function) {
	for _, r := range b.catalog.CalledBy(fn.Name.Name) {
		for _, t := range r.Triggers {
			if t.Enabled && t.Function == fn.Name {
				use.By, use.Fires = "trigger "+t.Name, describeEvent(r, t)
				return
			}
		}
		if caller := findCaller(r, fn.Name); caller != "" {
			use.By = caller
			return
		}
	}
	b.catalog.EachRelation(func(r *catalog.Relation) bool {
		for _, policy := range r.Policies {
			if callsFunction(policy.Using, fn.Name.Name) || callsFunction(policy.Check, fn.Name.Name) {
				use.By = "policy " + policy.Name + " of " + r.Name.String()
			}
		}
		return use.By == ""
	})
	if use.By != "" {
		return
	}
	switch u := b.code.UsesFunction(fn.Name); {
	case u.Used:
		use.By, use.Code = "the deployed code", u.FirstPlace()
		return
	case !u.Known:
		use.Unknown = true
	}
	for _, other := range b.listFunctionsWithWord(fn.Name.Name) {
		if other == fn || slices.Contains(seen, other) || len(seen) > 4 || !b.readBody(other).HasCallOf(fn.Name.Name) {
			continue
		}
		via := *use
		if b.setUseCaller(&via, other, append(slices.Clip(seen), fn)); via.By != "" {
			use.By, use.Fires, use.Code = other.Signature(), via.Fires, via.Code
			return
		}
	}
}
