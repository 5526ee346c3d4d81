"""What was once wrong with the panel, and the tests that keep it ended. A test that is renamed is renamed here."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FINDINGS = {
    "what is sent is not what is shown": [
        "panel/test_protocol.py::test_what_would_be_sent_is_what_stood_on_the_screen_at_the_click_price_included",
        "panel/test_kernel.py::test_beside_a_busy_cell_a_click_sends_once_what_it_carries_and_the_images_reach_the_saved_output",
        "browser/test_panel.py::test_beside_a_running_cell_what_is_typed_now_is_what_is_sent",
    ],
    "a fresh panel beside a running cell is dead": [
        "panel/test_kernel.py::test_a_fresh_panel_answers_within_200_ms_while_a_cell_sleeps",
    ],
    "a price is confirmed unread, by the same button or a held key": [
        "panel/test_panel.py::test_above_the_limit_it_asks_elsewhere_with_the_largest_amount_and_only_that_answer_sends",
        "panel/test_panel.py::test_a_confirmation_faster_than_anyone_reads_is_ignored",
        "panel/test_panel.py::test_generate_without_yes_never_confirms",
        "browser/test_panel.py::test_a_held_key_and_a_fast_hand_confirm_nothing",
    ],
    "an error while drawing redraws for ever": [
        "panel/test_panel.py::test_a_setting_that_cannot_be_used_is_shown_once_and_the_panel_lives_on",
        "panel/test_panel.py::test_a_panel_opens_beside_a_setting_that_cannot_be_used",
    ],
    "the session is fixed at birth": [
        "panel/test_panel.py::test_the_panel_follows_the_session_in_use_and_says_whether_it_is_real",
        "panel/test_command.py::test_its_panel_follows_the_session_in_use",
    ],
    "the catalogue is never fetched again, and wait returns the previous generation": [
        "panel/test_panel.py::test_a_price_that_rose_since_the_catalogue_was_fetched_is_shown_and_the_next_click_pays_it",
        "panel/test_panel.py::test_wait_gives_the_generation_of_this_click_or_why_nothing_was_sent",
    ],
    "two tabs on one kernel": [
        "panel/test_panel.py::test_two_views_show_one_form_and_each_click_is_its_own_screen",
        "browser/test_panel.py::test_two_tabs_show_one_form_and_each_pays_for_its_own_screen",
    ],
    "copy as cell is another request, and copies nothing": [
        "panel/test_cell_text.py::test_the_copy_of_random_panels_sends_the_same_bytes",
        "panel/test_cell_text.py::test_before_the_catalogue_is_known_nothing_is_dropped",
        "browser/test_panel.py::test_copy_and_download_work_in_the_browser",
    ],
    "false words about money": [
        "panel/test_panel.py::test_cancelling_before_it_leaves_sends_nothing_and_a_later_click_is_not_called_unsent",
        "panel/test_panel.py::test_images_that_arrive_after_a_cancel_are_shown_and_the_warning_stays_with_what_became_of_it",
        "panel/test_panel.py::test_every_ending_without_an_image_is_told_with_what_became_of_the_money",
        "panel/test_panel.py::test_a_limit_a_budget_and_a_missing_key_are_told_before_the_click",
        "panel/test_panel.py::test_without_a_key_it_says_so_before_the_click",
        "panel/test_account.py::test_what_may_be_charged_is_not_called_spent",
    ],
    "Lab's one-key shortcuts destroy the panel": [
        "browser/test_panel.py::test_no_key_of_labs_reaches_the_cell_while_the_focus_is_inside",
    ],
    "focus falls to the page": [
        "browser/test_panel.py::test_typing_is_never_taken_back_and_ctrl_enter_generates_with_the_focus_kept",
        "browser/test_panel.py::test_enlarge_steps_zooms_and_gives_the_focus_back",
    ],
    "images missing from gallery and saved output": [
        "panel/test_panel.py::test_all_paid_images_are_shown",
        "panel/test_saved_output.py::test_pinned_images_have_room_beside_a_large_generation_and_leave_when_they_are_unpinned",
        "panel/test_saved_output.py::test_a_panel_writes_it_once_a_generation_and_again_for_a_pin",
    ],
    "fields that do not apply are dropped silently": [
        "panel/test_panel.py::test_what_a_model_does_not_take_is_named_and_never_dropped_silently",
    ],
    "seeds": [
        "panel/test_panel.py::test_use_seed_remix_and_use_all_take_over_what_they_say",
        "panel/test_panel.py::test_counting_up_goes_on_after_the_last_seed_and_takes_back_what_cost_nothing",
    ],
    "a control stays on a value that is not sent": [
        "panel/test_panel.py::test_an_older_message_overrides_nothing",
        "panel/test_protocol.py::test_versions_arrive_in_their_order",
    ],
    "dead panels": [
        "browser/test_panel.py::test_after_a_restart_one_line_says_what_to_do",
        "browser/test_panel.py::test_a_user_chooses_generates_remixes_and_finds_it_all_when_they_come_back",
    ],
    "without a catalogue": ["panel/test_panel.py::test_without_a_catalogue_it_says_why_and_can_try_again"],
    "leak": [
        "panel/test_traffic.py::test_a_panel_is_one_comm_and_a_closed_one_is_none",
        "panel/test_traffic.py::test_a_hundred_panels_opened_and_closed_leave_no_comm_no_thread_and_no_panel",
    ],
    "accessibility": ["browser/test_panel.py::test_axe_finds_nothing_serious_in_any_tab_nor_in_a_question"],
    "words and looks": [
        "panel/test_labels.py::test_states_are_plain_words_in_list_and_facts",
        "panel/test_panel.py::test_program_calls_raise_what_a_user_would_read",
        "panel/test_history.py::test_words_of_the_prompt_and_of_the_models_name_find_runs",
        "browser/test_panel.py::test_each_image_stands_once_while_the_panel_is_alive",
        "browser/test_panel.py::test_nothing_is_cut_off_in_either_theme_at_any_width",
        "panel/test_panel.py::test_compare_holds_four_images_and_tells_what_differs",
    ],
}


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_finding_has_tests_that_exist(finding):
    for test in FINDINGS[finding]:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (TESTS / file).read_text("utf-8"), test
