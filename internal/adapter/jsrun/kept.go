package jsrun

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"

	"github.com/onward-sql/onward/internal/cache"
)

// question is a question of a program for a file: the candidates, the one that there is, and the hash of its text.
type question struct {
	Candidates []string `json:"c"`
	Name       string   `json:"n,omitempty"`
	Sum        string   `json:"s,omitempty"`
}

func newQuestion(candidates []string, name, text string) question {
	q := question{Candidates: candidates, Name: name}
	if name != "" {
		q.Sum = hashText(text)
	}
	return q
}

func hashText(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// keptResults are the results of earlier runs.
type keptResults struct{ store *cache.Store }

// resultVersion changes if the same program has another result, although the prelude is the same.
const resultVersion = "1"

// openResults opens the results for the directory of some programs.
func openResults(jobs []Job) keptResults {
	if len(jobs) == 0 {
		return keptResults{cache.Open("", "", "")}
	}
	version := resultVersion + " " + hashText(prelude)
	return keptResults{cache.Open(cache.Dir("programs"), hashText(path.Dir(jobs[0].Path)), version)}
}

// entry is a kept result, with the files on which it depends.
type entry struct {
	Asked  []question `json:"asked"`
	Result Result     `json:"result"`
}

func keyOf(j Job, files Files) string {
	_, text := files(j.Path)
	return hashText(j.Path, j.Client, text)
}

// find reads a kept result, if all files are the same that its program got.
func (k keptResults) find(key string, files Files, result *Result) bool {
	data, ok := k.store.Get(key)
	if !ok {
		return false
	}
	var e entry
	if json.Unmarshal(data, &e) != nil {
		return false
	}
	for _, q := range e.Asked {
		name, text := files(q.Candidates...)
		if len(text) > mostFileSize {
			name, text = "", ""
		}
		if newQuestion(q.Candidates, name, text).Sum != q.Sum || name != q.Name {
			return false
		}
	}
	*result = e.Result
	return true
}

func (k keptResults) put(key string, asked []question, result Result) {
	if data, err := json.Marshal(entry{asked, result}); err == nil {
		k.store.Put(key, data)
	}
}

func (k keptResults) save() { _ = k.store.Save() } // a result that is not kept is made again
