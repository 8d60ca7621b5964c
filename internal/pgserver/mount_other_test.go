//go:build !linux

package pgserver

import "errors"

func mountSmall(string) error { return errors.New("not done on this system") }
func unmount(string) error    { return nil }
