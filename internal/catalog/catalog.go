package catalog

import (
	"math/bits"
	"strings"
)

// Catalog is the schema at one moment. The zero value is not usable: call New.
type Catalog struct {
	relations vector
	names     trie[Name, OID]
	// capitals holds relations with capital letters in their names, by the lower-case name.
	// Some of them may have been dropped since.
	capitals  trie[Name, OID]
	types     trie[OID, *UserType]
	typeNames trie[Name, OID]
	functions trie[Name, []*Function] // overloads
	objects   trie[objectKey, *Object]
	// gone holds objects that were seen dropped and not created again. They certainly do not
	// exist, even if the history is incomplete.
	gone trie[objectKey, struct{}]
	// guesses holds relations that no statement created, as inferred before statements
	// changed them. Diff compares with them.
	guesses trie[OID, *Relation]
	// guessedByName holds these relations by the names under which they were first mentioned.
	guessedByName trie[Name, OID]
	// called holds, by the name of a function, the OIDs of relations that ever called it,
	// except for built-in functions. Without it, the cost of DROP FUNCTION would grow with
	// the schema. The value is the newest entry of a linked list.
	called trie[functionName, *user]
	// typed holds, by a user-defined type, the relations and functions that ever used it. It
	// also holds, by a sequence, those that ever took numbers from it without owning it. The
	// value is the newest entry of a linked list.
	typed trie[OID, *user]
	next  OID
	// made counts the columns and the copies of relations that the statements have made, written their bytes.
	made, written int
	// foldCount numbers the folded statements. The last one owns the nodes that it made.
	foldCount owner
	// SearchPath is the session's search path. Unqualified names are looked up along it and
	// created in its first schema. It is "public" unless a SET changed it.
	SearchPath []string
	// sessionPath is the search path to restore when the transaction ends; nil if it is the
	// same.
	sessionPath []string
	// TableMethod and TableSpace are the defaults for new tables
	// (default_table_access_method, default_tablespace); "" means heap, and the database's
	// own tablespace. A dump sets them before each table that differs.
	TableMethod, TableSpace string
	// Complete says that the catalog was read from a dump or a server: any object that it
	// lacks does not exist. A catalog folded from a history is never complete.
	Complete bool
	// journal is the newest entry of the list of touched objects.
	journal *entry
	// shared holds the lists whose free room successive catalogs share.
	shared *sharedLists
	// renamed holds the tables that were renamed: names of their constraints may begin with
	// an old name.
	renamed trie[OID, struct{}]
	// published says that there is, or was, a publication. Only then must publications be
	// searched for a dropped table.
	published bool
	// bodied holds the relations that were ever used by a function with an SQL-standard body,
	// which depends on the objects that it names.
	bodied trie[OID, struct{}]
	// temporary says that there is, or was, a temporary relation.
	temporary bool
	// Unmodelled lists statements whose changes the catalog does not hold, newest first.
	Unmodelled *Note
}

// Note is a linked list of remarks on statements that could not be folded.
type Note struct {
	Text string
	// names are the words of the statement, in lower case, if it executes text that it builds
	// at run time: any object with such a name may have changed.
	names map[string]bool
	// Told says that the note casts doubt only on the objects that it names. Either its
	// statements were folded, and only which of them ran is unknown, or it names the
	// relations that it is about.
	Told bool
	Next *Note
}

type objectKey struct {
	kind string
	name Name
}

// entry says that an object was touched. The entries form a list from newest to oldest. Two
// catalogs share it up to the point where they diverge. It lets the cost of Diff depend on
// the changes, and not on the size of the schema.
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

// New returns an empty catalog with the schema public.
func New() *Catalog {
	return &Catalog{
		next:       1,
		SearchPath: []string{"public"},
		shared:     &sharedLists{lists: map[any]any{}},
	}
}

// Relation returns the relation with an OID; nil if it does not exist.
func (c *Catalog) Relation(oid OID) *Relation {
	return c.relations.get(oid)
}

// Lookup finds a relation by name, along the search path if schema is "". It returns nil for
// a relation that the catalog has not seen.
func (c *Catalog) Lookup(schema, name string) *Relation {
	if schema != "" {
		oid, _ := c.names.get(Name{schema, name})
		return c.Relation(oid)
	}
	// A temporary table hides all other relations of its name.
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

// Type returns the user-defined type with an OID; nil if it does not exist.
func (c *Catalog) Type(oid OID) *UserType {
	t, _ := c.types.get(oid)
	return t
}

// LookupType finds a user-defined type by name, along the search path if schema is "".
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

// Functions returns the overloads of a function, along the search path if schema is "".
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

// IsHidden reports whether a name without a schema means an object of another schema, which is first in the search path.
func (c *Catalog) IsHidden(kind string, name Name) bool {
	for _, s := range c.SearchPath {
		if c.Object(kind, Name{s, name.Name}) != nil {
			return s != name.Schema
		}
	}
	return false
}

// EachRelation calls f for every relation, oldest first, until f returns false. Its cost grows
// with the schema, so use it for rare statements only.
func (c *Catalog) EachRelation(f func(*Relation) bool) {
	for r := range c.relations.all() {
		if !f(r) {
			return
		}
	}
}

// EachFunction calls f for every function, in no particular order.
func (c *Catalog) EachFunction(f func(*Function) bool) {
	for _, list := range c.functions.all() {
		for _, fn := range list {
			if !f(fn) {
				return
			}
		}
	}
}

// EachObject calls f for every object of a kind, in no particular order.
func (c *Catalog) EachObject(kind string, f func(*Object) bool) {
	for k, o := range c.objects.all() {
		if k.kind == kind && !f(o) {
			return
		}
	}
}

// CreationSchema returns the schema in which an unqualified name is created.
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

func (n Name) hash() uint32 { return hashText(hashText(2166136261, n.Schema), n.Name) }

func (k objectKey) hash() uint32 {
	return hashText(hashText(hashText(2166136261, k.kind), k.name.Schema), k.name.Name)
}

// hashText reads a text in steps of eight bytes. It gives the same result in every run.
func hashText(seed uint32, s string) uint32 {
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
