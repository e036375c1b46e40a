-- What the three formats must share and Pandoc leaves open: numbers of figures and tables and links to them,
-- widths of columns, marked verdicts, provenance lines. Every problem is a warning, and warnings are errors.

local latex, typst = FORMAT == "latex", FORMAT == "typst"
local html = not latex and not typst
local warn = pandoc.log.warn

local known = {}      -- identifiers of the document
local labels = {}     -- identifier -> "Figure 1"
local counts = {Figure = 0, Table = 0}

-- Classes of divs and spans -> the LaTeX environment or command and the Typst function that draw them.
local styles = {
  provenance = "provenance",
  verdict = "verdict",
  summary = "summary",
  reproduced = "reproduced",
  ["not-reproduced"] = "notreproduced",
  inconclusive = "inconclusive",
}

local function note_identifier(element)
  local identifier = element.identifier
  if not identifier or identifier == "" then return end
  if known[identifier] then warn("identifier #" .. identifier .. " is used twice") end
  known[identifier] = true
end

-- LaTeX and Typst number captions themselves; counting as they do gives HTML and every link the same numbers.
local function number_caption(block)
  if #block.caption.long == 0 then return end
  counts[block.tag] = counts[block.tag] + 1
  local label = block.tag .. "\u{a0}" .. counts[block.tag]
  labels[block.identifier] = label
  if html then
    local caption = block.caption.long[1].content
    caption:insert(1, pandoc.Space())
    caption:insert(1, pandoc.Strong(label .. "."))
  end
  return block
end

local function refuse_raw(raw)
  warn("raw " .. raw.format .. " is lost in the other formats: " .. raw.text)
end

local function check_image(image)
  if image.src:find("://") then
    warn("image " .. image.src .. " is not a file of the report")
    return {}
  end
  image.attributes.width = image.attributes.width or "100%"
  if latex then image.src = image.src:gsub("%.svg$", ".pdf") end
  if not pcall(pandoc.mediabag.fetch, image.src) then warn("Could not fetch resource " .. image.src) end
  return image
end

-- LaTeX sets Latin letters and punctuation by itself and every other character as preamble.tex says.
local preamble = latex and io.open(pandoc.path.directory(PANDOC_SCRIPT_FILE) .. "/preamble.tex"):read("a")

local function check_characters(element)
  if not latex then return end
  for _, code in utf8.codes(element.text) do
    local own = code < 0x180 or (code >= 0x2000 and code <= 0x202F)
    local character = utf8.char(code)
    if not own and not preamble:find("{" .. character .. "}", 1, true) then
      warn("character " .. character .. " is not in preamble.tex")
    end
  end
end

-- Typst spaces single bars as relations; as a pair they hug what they hold.
local function pair_bars(maths)
  if not typst then return end
  maths.text = maths.text:gsub("\\lvert", "\\left|"):gsub("\\rvert", "\\right|")
  return maths
end

local function resolve_link(link)
  local identifier = link.target:match("^#(.+)")
  if not identifier then return end
  if not known[identifier] then warn("link to unknown #" .. identifier) return end
  if #link.content > 0 then return end
  local label = labels[identifier]
  if not label then warn("link to #" .. identifier .. " needs a text: no numbered figure or table") return end
  if latex then
    local kind = label:match("^%a+")
    return pandoc.RawInline("latex", "\\hyperref[" .. identifier .. "]{" .. kind .. "~\\ref*{" .. identifier .. "}}")
  end
  link.content = {pandoc.Str(label)}
  return link
end

local function style_of(element)
  for _, class in ipairs(element.classes) do
    if styles[class] then return styles[class] end
  end
end

-- Typst attaches a label to what stands before it: an empty span is a place to link to.
local function place(span)
  return pandoc.RawInline("typst", "#metadata(none)<" .. span.identifier .. ">")
end

local function style_span(span)
  if typst and #span.content == 0 and span.identifier ~= "" then return place(span) end
  local style = style_of(span)
  if not style or html then return end
  local open, close = "\\" .. style .. "{", "}"
  if typst then open, close = "#" .. style .. "[", "];" end
  return pandoc.Inlines{pandoc.RawInline(FORMAT, open)} .. span.content .. {pandoc.RawInline(FORMAT, close)}
end

-- `::: contents` is where the table of contents stands on paper; a page has its own.
local contents = {latex = "\\tableofcontents", typst = "#contents"}

-- `::: {.details title="..."}` folds on a page and has its title before it on paper.
local function fold(div)
  local title = pandoc.Strong(div.attributes.title)
  if not html then return pandoc.Blocks{pandoc.Para{title}} .. div.content end
  local open, close = pandoc.RawBlock("html", "<details><summary>"), pandoc.RawBlock("html", "</details>")
  return pandoc.Blocks{open, pandoc.Plain{title}, pandoc.RawBlock("html", "</summary>")} .. div.content .. {close}
end

local function style_div(div)
  if div.classes:includes("contents") then
    return html and {} or pandoc.RawBlock(FORMAT, contents[FORMAT])
  end
  if div.classes:includes("details") then return fold(div) end
  local style = style_of(div)
  if not style or html then return end
  local open, close = "\\begin{" .. style .. "}", "\\end{" .. style .. "}"
  if typst then open, close = "#" .. style .. "[", "]" end
  return pandoc.Blocks{pandoc.RawBlock(FORMAT, open)} .. div.content .. {pandoc.RawBlock(FORMAT, close)}
end

-- What a cell shows, roughly: TeX commands count as one letter, the mark of a verdict as two.
local function visible(contents)
  return pandoc.utils.stringify(contents:walk{
    Math = function(maths) return pandoc.Str((maths.text:gsub("\\%a+", "x"):gsub("[{}_^%s]", ""))) end,
    RawInline = function() return pandoc.Str("x") end,
  })
end

-- The longest word and the longest cell of each column, in characters, with two for the gap between columns.
local function measure_columns(tbl)
  local words, cells = {}, {}
  local function measure(rows)
    for _, row in ipairs(rows) do
      for column, cell in ipairs(row.cells) do
        local text = visible(cell.contents)
        cells[column] = math.max(cells[column] or 0, utf8.len(text) + 2)
        for word in text:gmatch("[^ ]+") do
          words[column] = math.max(words[column] or 0, utf8.len(word) + 2)
        end
      end
    end
  end
  measure(tbl.head.rows)
  for _, body in ipairs(tbl.bodies) do measure(body.body) end
  return words, cells
end

local function sum(lengths)
  local total = 0
  for _, length in ipairs(lengths) do total = total + length end
  return total
end

local LINE = 100     -- characters of table text on an A4 page
local LEAST = 7 / 9  -- of the letters' size: seven points

-- Widths as a browser chooses them (CSS 2.1, 17.5.2.2): every column holds its longest word, and what is left
-- of the line goes to the columns in proportion to what they lack.
local function widths(tbl)
  local words, cells = measure_columns(tbl)
  local share = math.max(LINE - sum(words), 0) / (sum(cells) - sum(words))
  local chosen = {}
  for column = 1, #words do chosen[column] = words[column] + share * (cells[column] - words[column]) end
  return chosen, sum(words), sum(cells)
end

-- Where even the words are too long for the line, letters are made smaller, and at the least, words are broken.
local function fit_table(tbl)
  local chosen, words, cells = widths(tbl)
  for column, colspec in ipairs(tbl.colspecs) do
    colspec[2] = not html and cells > LINE and chosen[column] / math.max(LINE, words) or nil
  end
  if html then return pandoc.Div(tbl, {class = "table"}) end
  if words <= LINE then return tbl end
  local open, close = "{\\crowded", "}"
  if typst then open, close = ("#[#show table: crowded.with(%.3f)"):format(math.max(LINE / words, LEAST)), "]" end
  return {pandoc.RawBlock(FORMAT, open), tbl, pandoc.RawBlock(FORMAT, close)}
end

-- How many lines of text a table fills, roughly.
local function height(tbl)
  local chosen, words = widths(tbl)
  local lines = 0
  for _, row in ipairs(tbl.bodies[1].body) do
    local most = 1
    for column, cell in ipairs(row.cells) do
      most = math.max(most, math.ceil(utf8.len(visible(cell.contents)) / chosen[column] * math.max(words / LINE, 1)))
    end
    lines = lines + most + 0.7
  end
  return lines
end

local places = {Figure = "auto", Table = "bottom"}

-- A figure with its provenance goes to the top or the foot of a page, and a table that leaves room for text on its page to
-- the foot, so that text fills the rest. What a section begins with stays where it is. What waits for a page's head is
-- placed before a table that may break: between its parts, Typst cannot tag it
-- (https://github.com/typst/typst/issues/8487).
local function float(blocks)
  if not typst then return end
  local placed, index = pandoc.Blocks{}, 1
  while index <= #blocks do
    local block, before, after = blocks[index], blocks[index - 1], blocks[index + 1]
    local captioned = block.caption and #block.caption.long > 0
    local floats = captioned and not (before and before.tag == "Header") and (block.tag ~= "Table" or height(block) < 36)
    if floats then placed:insert(pandoc.RawBlock("typst", "#float(" .. places[block.tag] .. ")["))
    elseif block.tag == "Table" then placed:insert(pandoc.RawBlock("typst", "#place.flush()")) end
    placed:insert(block)
    if floats and after and after.classes and after.classes:includes("provenance") then
      placed:insert(after)
      index = index + 1
    end
    if floats then placed:insert(pandoc.RawBlock("typst", "]")) end
    index = index + 1
  end
  return placed
end

return {
  {Block = note_identifier, Inline = note_identifier},
  {Str = check_characters, Math = check_characters, Code = check_characters, CodeBlock = check_characters},
  {Figure = number_caption, Table = number_caption, RawInline = refuse_raw, RawBlock = refuse_raw},
  {Blocks = float},
  {Image = check_image, Math = pair_bars, Link = resolve_link, Span = style_span, Div = style_div, Table = fit_table},
}
