package adapter

import "context"

// Base is an adapter that is described by values. An adapter with more methods embeds it.
type Base struct {
	// Framework is its name in reports and in onward.yaml. Finds says what FindSources looks for.
	Framework, Finds string
	Properties       Traits
	// FindSources and ReadMigrations do what Detect and Load promise.
	FindSources    func(t Tree) []Source
	ReadMigrations func(ctx context.Context, t Tree, s Source) (*Set, error)
}

// Name is the framework's name.
func (b Base) Name() string { return b.Framework }

// Looks says what Detect looks for.
func (b Base) Looks() string { return b.Finds }

// Traits returns the properties of the framework.
func (b Base) Traits() Traits { return b.Properties }

// Detect finds the framework's sources.
func (b Base) Detect(t Tree) []Source { return b.FindSources(t) }

// Load reads the migrations of a source.
func (b Base) Load(ctx context.Context, t Tree, s Source) (*Set, error) {
	return b.ReadMigrations(ctx, t, s)
}
