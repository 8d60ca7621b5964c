package plan

import "github.com/onward-sql/onward/onward"

// Spoil changes the plan before it is proven.
func (c *Config) Spoil(f func(*onward.Plan)) { c.spoil = f }
