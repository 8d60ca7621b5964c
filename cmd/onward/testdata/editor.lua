-- What the test does in Neovim: it opens a migration, types, hovers, takes a code action, and
-- writes what it saw as JSON to the file in $SEEN.
local seen = {}
local ok, err = pcall(function()
  vim.cmd('edit m/2_b.sql')
  local buf = vim.api.nvim_get_current_buf()
  local id = vim.lsp.start_client({ name = 'onward', cmd = { 'onward', 'lsp' }, root_dir = vim.fn.getcwd() })
  vim.lsp.buf_attach_client(buf, id)
  local function diagnostics(want)
    vim.wait(30000, function()
      local rules = {}
      for _, d in ipairs(vim.diagnostic.get(buf)) do rules[#rules + 1] = tostring(d.code) end
      return want(' ' .. table.concat(rules, ' ') .. ' ', #rules)
    end, 20)
    local out = {}
    for _, d in ipairs(vim.diagnostic.get(buf)) do
      out[#out + 1] = string.format('%d %s %d:%d-%d:%d', d.severity, d.code, d.lnum, d.col, d.end_lnum, d.end_col)
    end
    table.sort(out)
    return out
  end
  local function has(rule) return function(rules) return rules:find(' ' .. rule .. ' ', 1, true) ~= nil end end
  local function without(rule) return function(rules) return rules:find(' ' .. rule .. ' ', 1, true) == nil end end
  local function ask(method, params)
    local answers = assert(vim.lsp.buf_request_sync(buf, method, params, 30000))
    return answers[id].result
  end
  seen.opened = diagnostics(has('index-create-blocking'))
  -- Typed behind an elephant, which is two columns wide for the protocol and four bytes for Neovim.
  vim.api.nvim_buf_set_lines(buf, 0, 0, false, { '/* 🐘 */ DROP TABLE gone;' })
  seen.typed = diagnostics(has('table-drop'))
  vim.api.nvim_win_set_cursor(0, { 2, 18 })
  local position = vim.lsp.util.make_position_params(0, 'utf-16')
  seen.hover = ask('textDocument/hover', position).contents.value
  local params = vim.lsp.util.make_range_params(0, 'utf-16')
  params.context = { diagnostics = {} }
  local titles = {}
  for _, action in ipairs(ask('textDocument/codeAction', params)) do
    titles[#titles + 1] = action.title
    if action.title:find('make it safe', 1, true) then
      vim.lsp.util.apply_workspace_edit(action.edit, 'utf-16')
    end
  end
  seen.titles = titles
  seen.fixed = diagnostics(without('index-create-blocking'))
  params = vim.lsp.util.make_given_range_params({ 1, 12 }, { 1, 12 }, buf, 'utf-16')
  params.context = { diagnostics = {} }
  for _, action in ipairs(ask('textDocument/codeAction', params)) do
    if action.title:find('ignore table-drop', 1, true) then
      vim.lsp.util.apply_workspace_edit(action.edit, 'utf-16')
    end
  end
  seen.ignored = diagnostics(without('table-drop'))
  seen.text = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local page = ask('workspace/executeCommand', { command = 'onward.explain', arguments = { 'table-drop' } })
  seen.page = page:sub(1, 12)
  vim.lsp.stop_client(id)
  vim.wait(5000, function() return vim.lsp.client_is_stopped(id) end, 20)
  seen.stopped = vim.lsp.client_is_stopped(id)
end)
if not ok then seen.error = tostring(err) end
local file = io.open(os.getenv('SEEN'), 'w')
file:write(vim.fn.json_encode(seen))
file:close()
vim.cmd('qall!')
