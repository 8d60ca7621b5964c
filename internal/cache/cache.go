// Package cache keeps results between runs, by the ID of the content from which they
// were computed. An entry is only returned if this version wrote it for that ID: a
// file that is incomplete, forged or from another version is ignored and rewritten.
// Without a directory it works too, and keeps nothing.
package cache

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Limits of the cache.
const (
	// MaxFile limits the size of a file, MaxDir the size of all files in one
	// subdirectory.
	MaxFile = 48 << 20
	MaxDir  = 256 << 20
	// used is the age from which a file's time is updated when it is used.
	used = 24 * time.Hour
)

// Store holds the entries of one file. It is not safe for concurrent use.
type Store struct {
	dir, path, head string
	key             []byte            // of this user
	kept            map[string][]byte // the entries of the file
	taken, fresh    map[string][]byte // requested entries, and new ones
}

// Dir returns a subdirectory of the user's cache, such as ~/.cache/onward/programs; "" if the user has no cache.
func Dir(room string) string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "onward", room)
}

// Open reads the entries of a file; name must be a valid file name. version is the
// version of the code that computes them. dir "" keeps nothing.
func Open(dir, name, version string) *Store {
	s := &Store{dir: dir, head: "onward cache 2 " + version + "\n", taken: map[string][]byte{}, fresh: map[string][]byte{}}
	if dir == "" {
		return s
	}
	if s.key = userKey(); s.key == nil {
		return s // what cannot be verified later is not kept
	}
	s.path = filepath.Join(dir, name)
	s.kept = s.loadEntries()
	if info, err := os.Stat(s.path); err == nil && time.Since(info.ModTime()) > used {
		now := time.Now()
		_ = os.Chtimes(s.path, now, now) // else it is deleted sooner
	}
	return s
}

// Get returns the entry of a key. The caller must not change it.
func (s *Store) Get(key string) ([]byte, bool) {
	data, ok := s.kept[key]
	if ok {
		s.taken[key] = data
	}
	return data, ok
}

// Put adds an entry.
func (s *Store) Put(key string, data []byte) { s.fresh[key] = data }

// Save writes the file if there are new entries: first the entries that this run
// requested, then others as far as there is space. It keeps entries that another run
// has written meanwhile.
func (s *Store) Save() error {
	if s.path == "" || len(s.fresh) == 0 {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("keep what was read: %w", err)
	}
	out := bytes.NewBuffer(make([]byte, 0, 1<<20))
	out.WriteString(s.head)
	written := map[string]bool{}
	for _, entries := range []map[string][]byte{s.fresh, s.taken, s.loadEntries()} {
		keys := make([]string, 0, len(entries))
		for key := range entries {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			if written[key] || out.Len()+len(key)+len(entries[key])+32 > MaxFile {
				continue
			}
			written[key] = true
			s.encodeEntry(out, key, entries[key])
		}
	}
	if err := replaceFile(s.path, out.Bytes()); err != nil {
		return fmt.Errorf("keep what was read: %w", err)
	}
	s.removeExcessFiles()
	return nil
}

// encodeEntry writes an entry: its lengths, its key and data, and its seal.
func (s *Store) encodeEntry(out *bytes.Buffer, key string, data []byte) {
	var n []byte
	n = binary.AppendUvarint(n, uint64(len(key)))
	n = binary.AppendUvarint(n, uint64(len(data)))
	out.Write(n)
	out.WriteString(key)
	out.Write(data)
	out.Write(s.computeSeal(key, data))
}

// sealSize is the length of a seal, in bytes.
const sealSize = 16

// computeSeal returns what shows that this user wrote an entry into this file. A directory of the cache may be one that others write, too.
func (s *Store) computeSeal(key string, data []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	for _, part := range [][]byte{[]byte(s.head), []byte(filepath.Base(s.path)), []byte(key)} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Write(data)
	return h.Sum(nil)[:sealSize]
}

// loadEntries reads the file, up to the first incomplete entry.
func (s *Store) loadEntries() map[string][]byte {
	out := map[string][]byte{}
	info, err := os.Lstat(s.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > MaxFile {
		return out
	}
	text, err := os.ReadFile(s.path)
	rest, ok := bytes.CutPrefix(text, []byte(s.head))
	if err != nil || !ok {
		return out
	}
	for len(rest) > 0 {
		nk, a := binary.Uvarint(rest)
		if a <= 0 {
			return out
		}
		nd, b := binary.Uvarint(rest[a:])
		if b <= 0 || nk > MaxFile || nd > MaxFile || uint64(len(rest)) < uint64(a+b)+nk+nd+sealSize {
			return out
		}
		rest = rest[a+b:]
		key, data := string(rest[:nk]), rest[nk:nk+nd:nk+nd]
		if !hmac.Equal(rest[nk+nd:nk+nd+sealSize], s.computeSeal(key, data)) {
			return out
		}
		out[key] = data
		rest = rest[nk+nd+sealSize:]
	}
	return out
}

// replaceFile replaces a file atomically.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), young+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// young is the prefix of an incomplete file. patience is the age up to which such a
// file may belong to a running process.
const (
	young    = ".new-"
	patience = time.Hour
)

// removeExcessFiles deletes the least recently used files until the rest fits, and files left by
// killed processes. Failures to delete are ignored.
func (s *Store) removeExcessFiles() {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	var files []os.FileInfo
	var size int64
	for _, e := range list {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case len(e.Name()) > len(young) && e.Name()[:len(young)] == young:
			if time.Since(info.ModTime()) > patience {
				_ = os.Remove(filepath.Join(s.dir, e.Name()))
			}
		default:
			files = append(files, info)
			size += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files {
		if size <= MaxDir || f.Name() == filepath.Base(s.path) {
			continue
		}
		size -= f.Size()
		_ = os.Remove(filepath.Join(s.dir, f.Name()))
	}
}

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
