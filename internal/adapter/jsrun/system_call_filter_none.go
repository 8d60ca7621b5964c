//go:build linux && !amd64 && !arm64

package jsrun

import "github.com/onward-sql/onward/internal/confine"

// restrictSystemCalls fails: there is no filter for this processor.
func restrictSystemCalls() error { return confine.ErrNoFilter }
