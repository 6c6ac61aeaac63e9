" Colours for Drawloom's language.
if exists("b:current_syntax")
  finish
endif

syntax keyword loomKeyword for in if else return require import as from when choose
syntax keyword loomLogical and or not
syntax keyword loomBoolean true false
syntax keyword loomType f32 i32
syntax match loomFunction "\<\h\w*\ze\s*("
syntax match loomFunction "\%(|>\s*\)\@<=\h\w*"
syntax match loomArm "\<\h\w*\ze\s*:"
syntax match loomDefinition "\<\%(op\|block\|cell\|network\)\>\ze\s\+\h\w*\s*("
syntax match loomNumber "\<\d\+\%(\.\d\+\)\?\%([eE][+-]\?\d\+\)\?\%(K\|M\|G\|ms\|us\)\?\>"
syntax match loomOperator "|>\|\.\.=\?\|[=!<>]=\|+=\|//\|[-+*/%<>=]"
syntax region loomString start=+"+ end=+"\|$+
syntax match loomComment "#.*$"

highlight default link loomKeyword Keyword
highlight default link loomLogical Operator
highlight default link loomBoolean Boolean
highlight default link loomType Type
highlight default link loomFunction Function
highlight default link loomArm Label
highlight default link loomDefinition Structure
highlight default link loomNumber Number
highlight default link loomOperator Operator
highlight default link loomString String
highlight default link loomComment Comment

let b:current_syntax = "loom"
