//go:build !unix

package scratch

import "os"

// hold cannot lock a directory here: what a killed process leaves behind stays.
func hold(string) *os.File { return nil }

func free(string) bool { return false }

func ours(os.FileInfo) bool { return true }
