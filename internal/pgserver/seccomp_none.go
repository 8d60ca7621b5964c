//go:build linux && !amd64 && !arm64

package pgserver

import "github.com/onward-sql/onward/internal/confine"

func installCallFilter(bool) error { return confine.ErrNoFilter }

func installSegmentFilter() int { return -1 }

func serveSegments(int, int, <-chan struct{}) error { return nil }
