package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// Bodies are the bodies of the functions of a catalog. They are read when a rule
// asks for what names something, which few statements are about.
type Bodies struct {
	catalog *catalog.Catalog
	code    Code
	// words are the functions whose bodies have a word, and known those that
	// it is made of: of this catalog and of those that were asked for before.
	words  map[string][]*catalog.Function
	known  map[*catalog.Function]bool
	cached map[*catalog.Function]*catalog.Body
}

// maxRead is how many bodies are kept read.
const maxRead = 500

// NewBodies begins with the functions of the deployed schema. code is asked for who
// calls one.
func NewBodies(deployed *catalog.Catalog, code Code) *Bodies {
	b := &Bodies{code: code, words: map[string][]*catalog.Function{}, known: map[*catalog.Function]bool{}, cached: map[*catalog.Function]*catalog.Body{}}
	deployed.EachFunction(func(fn *catalog.Function) bool {
		b.add(fn)
		return true
	})
	return b
}

// At goes on to a catalog; made are the functions that were made since.
func (b *Bodies) At(c *catalog.Catalog, made []*catalog.Function) {
	b.catalog = c
	for _, fn := range made {
		b.add(fn)
	}
}

// add takes in the words of a function.
func (b *Bodies) add(fn *catalog.Function) {
	if b.known[fn] || fn.Body == "" || fn.Language != "sql" && fn.Language != "plpgsql" || fn.Name.Schema == "pg_temp" {
		return
	}
	b.known[fn] = true
	for _, w := range fn.Words() {
		if list := b.words[w]; len(list) == 0 || list[len(list)-1] != fn {
			b.words[w] = append(list, fn)
		}
	}
}

// naming lists the functions of the catalog whose bodies have a word.
func (b *Bodies) naming(word string) []*catalog.Function {
	var out []*catalog.Function
	for _, fn := range b.words[word] {
		if standing(b.catalog, fn) {
			out = append(out, fn)
		}
	}
	return out
}

// standing reports whether a catalog has the function as it is.
func standing(c *catalog.Catalog, fn *catalog.Function) bool {
	return slices.ContainsFunc(c.Functions(fn.Name.Schema, fn.Name.Name), func(f *catalog.Function) bool {
		return f == fn || f.OID == fn.OID && f.Body == fn.Body
	})
}

// read is the body of a function of SQL or PL/pgSQL.
func (b *Bodies) read(fn *catalog.Function) *catalog.Body {
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

// calledBy finds what calls a function, the surest first: a trigger, an
// expression of a table, a view, the deployed code, another function that is
// called. seen are those on the way here.
func (b *Bodies) calledBy(use *FunctionUse, fn *catalog.Function, seen []*catalog.Function) {
	for _, r := range b.catalog.CalledBy(fn.Name.Name) {
		for _, t := range r.Triggers {
			if t.Enabled && t.Function == fn.Name {
				use.By, use.Fires = "trigger "+t.Name, fires(r, t)
				return
			}
		}
		if by := caller(r, fn.Name); by != "" {
			use.By = by
			return
		}
	}
	b.catalog.Relations(func(r *catalog.Relation) bool {
		for _, policy := range r.Policies {
			if calls(policy.Using, fn.Name.Name) || calls(policy.Check, fn.Name.Name) {
				use.By = "policy " + policy.Name + " of " + r.Name.String()
			}
		}
		return use.By == ""
	})
	if use.By != "" {
		return
	}
	switch u := b.code.UsesName(fn.Name); {
	case u.Used:
		use.By, use.Code = "the deployed code", u.Where()
		return
	case !u.Known:
		use.Unknown = true
	}
	for _, other := range b.naming(fn.Name.Name) {
		if other == fn || slices.Contains(seen, other) || len(seen) > 4 || !b.read(other).Calls(fn.Name.Name) {
			continue
		}
		via := *use
		if b.calledBy(&via, other, append(slices.Clip(seen), fn)); via.By != "" {
			use.By, use.Fires, use.Code = other.Signature(), via.Fires, via.Code
			return
		}
	}
}
