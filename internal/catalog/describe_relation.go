package catalog

// RelationText is a relation in the words of a changelog, one line for each part.
type RelationText struct {
	Columns, Constraints, Indexes []string
}

// Words is the column in words: "nickname text, nullable".
func (c *Column) Words() string { return columnText(c) }

// DescribeRelation returns the columns, constraints and indexes of a relation in words.
func (c *Catalog) DescribeRelation(r *Relation) RelationText {
	var out RelationText
	for _, col := range r.Columns {
		out.Columns = append(out.Columns, columnText(col))
	}
	for _, con := range r.Constraints {
		if con.Kind == NotNullConstraint {
			continue // the column says so
		}
		d := Delta{}
		if con.Ref != 0 {
			d.Other = c.Relation(con.Ref)
		}
		out.Constraints = append(out.Constraints, d.constraintText(con, r))
	}
	for _, x := range c.IndexesOf(r) {
		if x.Index == nil || x.Index.Constraint != "" {
			continue // the constraint has its name
		}
		text := indexText(x, r)
		if x.Index.Unique {
			text = "unique " + text
		}
		if !x.Index.Valid {
			text += ", not valid"
		}
		out.Indexes = append(out.Indexes, text)
	}
	return out
}
