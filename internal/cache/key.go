package cache

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// keySize is the size of a key, in bytes.
const keySize = 32

// userKey returns the key with which this user seals entries; nil if there is no place for it. It is not in the cache's directory: that may
// be shared, or kept between the jobs of a pipeline.
var userKey = sync.OnceValue(func() []byte {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil
	}
	return readOrCreateKey(filepath.Join(dir, "onward", "cache.key"))
})

// readOrCreateKey reads a key, or makes one.
func readOrCreateKey(path string) []byte {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, keySize)
		_, _ = rand.Read(key) // never fails
		if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
			return nil
		}
		fresh, err := os.CreateTemp(filepath.Dir(path), young+"*") // readable by nobody else
		if err != nil {
			return nil
		}
		_, err = fresh.Write(key)
		if err = errors.Join(err, fresh.Close()); err == nil {
			err = os.Link(fresh.Name(), path) // another process may have made one
		}
		_ = os.Remove(fresh.Name())
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil
		}
		if key, err = os.ReadFile(path); err != nil {
			return nil
		}
	}
	if len(key) != keySize {
		return nil
	}
	return key
}
