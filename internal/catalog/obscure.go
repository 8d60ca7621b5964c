package catalog

// Obscure is the catalog behind something that may have changed it unseen: a
// migration that could not be read, or one in another language. What is not in
// it is no longer certain not to exist.
func (c *Catalog) Obscure(text string) *Catalog {
	next := *c
	next.Unmodelled = &Note{Text: text, Next: c.Unmodelled}
	return &next
}
