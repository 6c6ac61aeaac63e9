setlocal commentstring=#\ %s comments=:# expandtab shiftwidth=4
setlocal formatprg=drawloom\ fmt\ -
