from pages._ui.page import page

page("style_transfer")
