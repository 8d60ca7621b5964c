package catalog

import (
	"math/bits"
	"strings"
)

// Catalog is the schema at one moment. The zero value is not usable: begin
// with New.
type Catalog struct {
	relations vector
	names     trie[Name, OID]
	// capitals holds relations that have capital letters in their names, by those
	// without; some of them are gone.
	capitals  trie[Name, OID]
	types     trie[OID, *UserType]
	typeNames trie[Name, OID]
	functions trie[Name, []*Function] // overloads
	objects   trie[objectKey, *Object]
	// gone holds what was seen dropped and not created again: its absence is
	// certain, even in an incomplete history.
	gone trie[objectKey, struct{}]
	// guesses holds what statements let infer of relations that none created,
	// as it was before they changed it: what Diff compares with.
	guesses trie[OID, *Relation]
	// guessed holds these relations by the names under which they were first named.
	guessed trie[Name, OID]
	// called holds, by the name of a function, the relations that ever called
	// it, by OID; none for one of Postgres' own. Without it DROP FUNCTION would
	// cost what there is.
	called trie[functionName, *user]
	// typed holds, by a type of the user's, the relations that ever had it, and
	// by a sequence those that ever took numbers from it without owning it.
	typed trie[OID, *user]
	next  OID
	// folded numbers the statements that were folded: the last one owns what
	// it made.
	folded owner
	// SearchPath is the session's: where unqualified names are looked up, and
	// created in its first schema. "public" unless a SET said otherwise.
	SearchPath []string
	// sessionPath is what it is again when the transaction ends; nil where it is that.
	sessionPath []string
	// TableMethod and TableSpace are where new tables go that name none
	// (default_table_access_method, default_tablespace); "" is heap, and the
	// database's own. A dump says so before each table that is elsewhere.
	TableMethod, TableSpace string
	// Complete says that the catalog was read from a dump or a server: what
	// is not in it does not exist. A folded one is never complete.
	Complete bool
	journal  *entry
	grown    *grown
	// renamed holds the tables that have another name than once: those of their constraints
	// may begin with that one.
	renamed trie[OID, struct{}]
	// published says that there is, or was, a publication: only then must a
	// dropped table be looked for in them.
	published bool
	// bodied holds the relations that ever were used by the body of a function in
	// SQL's own words, which depends on what it names.
	bodied trie[OID, struct{}]
	// temporary says that there is, or was, a temporary relation.
	temporary bool
	// Unmodelled lists statements that changed something the catalog does not
	// hold, newest first.
	Unmodelled *Note
}

// Note is a linked list of remarks on statements that could not be folded.
type Note struct {
	Text string
	// names are the words of the statement, in lower case, where it executes text
	// that is put together as it runs: whatever has such a name may have changed.
	names map[string]bool
	// Told says that it casts doubt on nothing but what it names: its statements
	// were folded, and all that is not known is which of them ran, or it names
	// relations, and so is about no other.
	Told bool
	Next *Note
}

type objectKey struct {
	kind string
	name Name
}

// entry says that an object was touched. The entries form a list from the
// newest back, which two catalogs share up to where they part; it is what
// makes Diff cost what changed, not what there is.
type entry struct {
	prev  *entry
	depth int
	kind  entryKind
	oid   OID
	name  Name
	class string
}

type entryKind uint8

const (
	touchedRelation entryKind = iota
	touchedType
	touchedFunction
	touchedObject
)

// New is an empty catalog with the schema public.
func New() *Catalog {
	return &Catalog{
		next:       1,
		SearchPath: []string{"public"},
		grown:      &grown{lists: map[any]any{}},
	}
}

// Relation is the relation with an OID; nil when it does not exist.
func (c *Catalog) Relation(oid OID) *Relation {
	return c.relations.get(oid)
}

// Lookup finds a relation by name, along the search path when schema is "".
// It gives nil for a relation that the catalog has not seen.
func (c *Catalog) Lookup(schema, name string) *Relation {
	if schema != "" {
		oid, _ := c.names.get(Name{schema, name})
		return c.Relation(oid)
	}
	// A temporary table shadows everything of its name.
	if c.temporary {
		if oid, ok := c.names.get(Name{"pg_temp", name}); ok {
			return c.Relation(oid)
		}
	}
	for _, s := range c.SearchPath {
		if oid, ok := c.names.get(Name{s, name}); ok {
			return c.Relation(oid)
		}
	}
	return nil
}

// Type is the user-defined type with an OID; nil when it does not exist.
func (c *Catalog) Type(oid OID) *UserType {
	t, _ := c.types.get(oid)
	return t
}

// LookupType finds a user-defined type by name, along the search path when
// schema is "".
func (c *Catalog) LookupType(schema, name string) *UserType {
	if schema != "" {
		oid, _ := c.typeNames.get(Name{schema, name})
		return c.Type(oid)
	}
	for _, s := range c.SearchPath {
		if oid, ok := c.typeNames.get(Name{s, name}); ok {
			return c.Type(oid)
		}
	}
	return nil
}

// Functions are the overloads of a function, along the search path when
// schema is "".
func (c *Catalog) Functions(schema, name string) []*Function {
	if schema != "" {
		f, _ := c.functions.get(Name{schema, name})
		return f
	}
	for _, s := range c.SearchPath {
		if f, ok := c.functions.get(Name{s, name}); ok {
			return f
		}
	}
	return nil
}

// Object finds an object of another kind: "schema", "extension",
// "publication", ….
func (c *Catalog) Object(kind string, name Name) *Object {
	o, _ := c.objects.get(objectKey{kind, name})
	return o
}

// Relations calls f for every relation, oldest first, until f returns false.
// It costs what there is: for rare statements only.
func (c *Catalog) Relations(f func(*Relation) bool) {
	for r := range c.relations.all() {
		if !f(r) {
			return
		}
	}
}

// Objects calls f for every object of a kind, in no order.
func (c *Catalog) Objects(kind string, f func(*Object) bool) {
	for k, o := range c.objects.all() {
		if k.kind == kind && !f(o) {
			return
		}
	}
}

// CreationSchema is where an unqualified name is created.
func (c *Catalog) CreationSchema() string {
	for _, s := range c.SearchPath {
		if s != "" && !strings.HasPrefix(s, "$") {
			return s
		}
	}
	return "public"
}

// hash is Fibonacci hashing: OIDs are dense.
func (o OID) hash() uint32 { return uint32(o) * 2654435769 }

func (n Name) hash() uint32 { return hash(hash(2166136261, n.Schema), n.Name) }

func (k objectKey) hash() uint32 {
	return hash(hash(hash(2166136261, k.kind), k.name.Schema), k.name.Name)
}

// hash takes a text in eight bytes at a time. It is the same in every run.
func hash(seed uint32, s string) uint32 {
	const k0, k1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(seed) ^ uint64(len(s))*k1
	for len(s) >= 8 {
		v := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		hi, lo := bits.Mul64(h^v, k0)
		h = hi ^ lo
		s = s[8:]
	}
	var v uint64
	for i := 0; i < len(s); i++ {
		v = v<<8 | uint64(s[i])
	}
	hi, lo := bits.Mul64(h^v^k1, k0)
	h = hi ^ lo
	return uint32(h ^ h>>32)
}

// EachFunction calls f for every function, in no order.
func (c *Catalog) EachFunction(f func(*Function) bool) {
	for _, list := range c.functions.all() {
		for _, fn := range list {
			if !f(fn) {
				return
			}
		}
	}
}
