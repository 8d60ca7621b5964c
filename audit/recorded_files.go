package audit

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/workload"
)

// Recordings returns the files of recorded queries that the caller names, or else those in
// the settings.
func (c *Config) Recordings() []string {
	paths := c.Workload
	if len(paths) == 0 && c.Settings != nil {
		for _, p := range c.Settings.Workload {
			paths = append(paths, c.Settings.Resolve(p))
		}
	}
	return paths
}

// readRecordings reads the recordings of the deployed code.
func (a *changelog) readRecordings() ([]*deployed.Recording, error) {
	var out []*deployed.Recording
	for _, p := range a.Recordings() {
		load, err := ReadWorkload(p)
		if err != nil {
			return nil, err
		}
		out = append(out, &deployed.Recording{Path: displayPath(p), Queries: load})
	}
	return out, nil
}

// Workload is a recording of a code's queries.
type Workload = workload.Workload

// ReadWorkload reads a recording, packed or not, that onward record wrote. Of a directory, it reads all recordings and
// merges them: each is of one consumer of the database, and its file is named after it.
func ReadWorkload(path string) (*Workload, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return readConsumers(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("read the recording: %w", err)}
	}
	defer f.Close()
	load, err := workload.Read(f)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("%s: %w", path, err)}
	}
	return load, nil
}

// displayPath returns a file's name for reports: without the directories of this machine.
func displayPath(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Base(path)
	}
	return filepath.ToSlash(filepath.Clean(path))
}
