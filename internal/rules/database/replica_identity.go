package database

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
)

// refusedWrites says which statements on a table its publications make the server refuse.
type refusedWrites struct {
	*catalog.IdentityFault        // of the first of them; nil if none is refused
	words                  string // "every UPDATE and DELETE"
}

func findRefusedWrites(p *rule.Pass, c *catalog.Catalog, t *catalog.Relation) refusedWrites {
	if t == nil {
		return refusedWrites{}
	}
	checksGenerated := func() bool { return p.AtLeast(18) }
	update, remove := c.FindIdentityFault(t, "update", checksGenerated), c.FindIdentityFault(t, "delete", checksGenerated)
	switch {
	case remove == nil:
		return refusedWrites{update, "every UPDATE"}
	case update == nil:
		return refusedWrites{remove, "every DELETE"}
	}
	return refusedWrites{update, "every UPDATE and DELETE"}
}

// explain says why the writes are refused: "publication feed filters orders by state, which is not in its replica identity".
func (w refusedWrites) explain(table string) string {
	publication, columns := "publication "+w.Publication.Name.Name, prose.EnumerateNames(w.Columns)
	verb := "is"
	if len(w.Columns) > 1 {
		verb = "are"
	}
	switch w.Reason {
	case catalog.FilterOutside:
		return publication + " filters rows of " + table + " by " + columns + ", which " + verb + " not in its replica identity"
	case catalog.GeneratedUnsent:
		return publication + " does not send " + columns + " of " + table + ", generated and in its replica identity"
	case catalog.IdentityUnsent:
		if len(w.Columns) == 0 {
			return publication + " has a list of columns of " + table + ", whose replica identity is FULL"
		}
		return publication + " does not send " + columns + " of " + table + ", which " + verb + " in its replica identity"
	}
	return publication + " publishes " + table + ", which has no replica identity" + explainIdentity(w.Table)
}

// advise returns what makes the writes work again. It prints only an identity with which they do.
func (w refusedWrites) advise(p *rule.Pass, c *catalog.Catalog) string {
	works := func(identity string) bool {
		return findRefusedWrites(p, c, w.Table.WithReplicaIdentity(identity)).IdentityFault == nil
	}
	set := func(identity string) string { return recipe.SetReplicaIdentity(w.Table.Name, identity) + ";" }
	switch {
	case w.Reason == catalog.IdentityMissing && works("full"):
		return "give it a primary key first, or say that whole rows are its identity:\n" + set("FULL")
	case w.Reason == catalog.IdentityMissing:
		return "give it a primary key first, of columns that the publication sends"
	case works(""):
		return "let the primary key be its identity:\n" + set("DEFAULT")
	case works("full"):
		return "say first that whole rows are its identity:\n" + set("FULL")
	case w.Reason == catalog.FilterOutside:
		return "filter by columns of the replica identity alone, or publish only INSERTs: WITH (publish = 'insert')"
	case w.Reason == catalog.GeneratedUnsent:
		return "send stored generated columns: ALTER PUBLICATION " + pgparse.QuoteIdent(w.Publication.Name.Name) + " SET (publish_generated_columns = stored);" +
			" or let an index of other columns be the replica identity"
	case len(w.Columns) == 0:
		return "let an index of columns that the publication sends be its replica identity, instead of FULL"
	}
	return "let the publication's list have " + prose.EnumerateNames(w.Columns) + ", too"
}

// explainIdentity names what looks like an identity and is none.
func explainIdentity(t *catalog.Relation) string {
	for _, c := range t.Constraints {
		switch {
		case c.Kind == catalog.PrimaryKey && c.Deferrable:
			return " (its primary key is deferrable)"
		case c.Kind == catalog.Unique:
			return " (a unique constraint is none by itself)"
		}
	}
	return ""
}
