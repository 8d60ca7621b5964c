package analysis

import "github.com/onward-sql/onward/internal/catalog"

// MissingColumns lists the columns of a deployed table that its successor does not have. It is nil if the columns of one of
// them are not all known.
func MissingColumns(old, now *catalog.Relation) []string {
	if old.Inferred || old.Partial || now.Inferred || now.Partial {
		return nil
	}
	var names []string
	for _, c := range old.Columns {
		if now.Column(c.Name) == nil {
			names = append(names, c.Name)
		}
	}
	return names
}
