"""Names of metrics as libraries and people log them, and what each is read as."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import Measure, find_measure
from bvtrack.measures.measure import as_good_as
from bvtrack.measures.quantity import quantity_of

READINGS = {
    # Lightning, torchmetrics
    "val_MeanSquaredLogError": None,
    "lr-SGD": None,
    "lr-Adam/pg1": None,
    "hp_metric": None,
    "val_acc/dataloader_idx_0": ("accuracy_dataloader_idx_0", "rate", 2),
    "ptl/val_accuracy": ("accuracy_ptl", "rate", 1),
    "MultilabelF1Score": ("f1_score", "score", 0),
    "val_PearsonCorrCoef": None,
    "val_SpearmanCorrCoef": None,
    "test_Perplexity": None,
    "BinaryCalibrationError": None,
    "StructuralSimilarityIndexMeasure": None,
    "accumulate_grad_batches": None,
    "val_acc": ("accuracy", "rate", 0),
    "val/acc_epoch": ("accuracy", "rate", 0),
    "train_acc_step": ("accuracy", "rate", 0),
    "val_MulticlassAccuracy": ("accuracy", "rate", 0),
    "valid/BinaryAccuracy": ("accuracy", "rate", 0),
    "MultilabelAccuracy": ("accuracy", "rate", 0),
    "val_MulticlassF1Score": ("f1_score", "score", 0),
    "val_BinaryAUROC": ("auc", "score", 0),
    "val_MulticlassJaccardIndex": ("iou", "score", 0),
    "val_BinaryMatthewsCorrCoef": ("mcc", "score", 0),
    "test_MeanSquaredError": ("mse", "units", 0),
    "val_MeanAbsoluteError": ("mae", "units", 0),
    "val_R2Score": ("r2_score", "score", 0),
    "val_ExplainedVariance": ("explained_variance", "score", 0),
    "val_WordErrorRate": ("word_error_rate", "score", 0),
    "val_wer": ("word_error_rate", "score", 0),
    "test/cer": ("char_error_rate", "score", 0),
    "val_loss": ("loss", "loss", 0),
    "train_loss_epoch": ("loss", "loss", 0),
    "val_mIoU": ("iou", "score", 0),
    "val_dice": ("dice", "score", 0),
    "val_dice_loss": ("dice_loss", "loss", 2),
    "val/kl_loss": ("kl_loss", "loss", 2),
    "val_recon_loss": ("recon_loss", "loss", 2),
    "val_nll": ("nll", "loss", 0),
    "g_loss": None,
    "d_loss": None,
    "train/adv_loss": None,
    "val_acc_best": ("accuracy_best", "rate", 2),
    "val/acc_std": None,
    "val_acc_var": None,
    # Keras
    "SparseTopKCategoricalAccuracy_3": ("accuracy_3", "rate", 2),
    "TopKCategoricalAccuracy_1": ("accuracy", "rate", 0),
    "val_cls_accuracy": ("accuracy_cls", "rate", 1),
    "val_reg_accuracy": None,
    "val_reg_mae": ("mae_reg", "units", 1),
    "val_auc_pr": ("auc_pr", "score", 0),
    "val_hinge": None,
    "val_kl_divergence": None,
    "val_cosine_similarity": None,
    "val_log_cosh": None,
    "accuracy": ("accuracy", "rate", 0),
    "val_accuracy": ("accuracy", "rate", 0),
    "val_binary_accuracy": ("accuracy", "rate", 0),
    "val_categorical_accuracy": ("accuracy", "rate", 0),
    "val_sparse_categorical_accuracy": ("accuracy", "rate", 0),
    "sparse_top_k_categorical_accuracy": ("accuracy_top_k", "rate", 2),
    "top_k_categorical_accuracy": ("accuracy_top_k", "rate", 2),
    "val_top3_acc": ("accuracy_3", "rate", 2),
    "val_top_5_categorical_accuracy": ("accuracy_5", "rate", 2),
    "val_out1_accuracy": ("accuracy_out_1", "rate", 1),
    "val_auc": ("auc", "score", 0),
    "val_auc_1": ("auc", "score", 0),
    "val_f1_score": ("f1_score", "score", 0),
    "val_mean_io_u": ("iou", "score", 0),
    "val_mean_squared_error": ("mse", "units", 0),
    "val_root_mean_squared_error": ("rmse", "units", 0),
    "val_mean_absolute_error": ("mae", "units", 0),
    "val_mae": ("mae", "units", 0),
    "val_mean_absolute_percentage_error": None,
    "val_mean_squared_logarithmic_error": None,
    "val_r2_score": ("r2_score", "score", 0),
    "val_binary_crossentropy": ("crossentropy", "loss", 0),
    "val_sparse_categorical_crossentropy": ("crossentropy", "loss", 0),
    "val_masked_accuracy": ("accuracy_masked", "rate", 1),
    "val_mask_acc": ("accuracy_mask", "rate", 2),
    "val_aux_acc": ("accuracy_aux", "rate", 2),
    # Transformers
    "eval_exact_match": None,
    "eval_em": None,
    "eval_rougeL": None,
    "eval_bleu": None,
    "eval_perplexity": None,
    "eval_pearson": None,
    "eval_spearmanr": None,
    "eval_combined_score": None,
    "eval_f1_macro": ("f1_score_macro", "score", 0),
    "eval_LOC_f1": ("f1_score_loc", "score", 1),
    "eval_overall_precision": None,
    "eval_mean_iou": ("iou", "score", 0),
    "eval_wer": ("word_error_rate", "score", 0),
    "eval_steps_per_second": None,
    "train_samples_per_second": None,
    "grad_norm": None,
    "eval_accuracy": ("accuracy", "rate", 0),
    "eval_f1": ("f1_score", "score", 0),
    "eval_loss": ("loss", "loss", 0),
    "eval_matthews_correlation": ("mcc", "score", 0),
    "eval_overall_accuracy": ("accuracy", "rate", 0),
    "eval_overall_f1": ("f1_score", "score", 0),
    "eval_macro_f1": ("f1_score_macro", "score", 0),
    "eval_roc_auc": ("auc", "score", 0),
    "eval_runtime": None,
    "eval_samples_per_second": None,
    "eval_token_accuracy": ("accuracy_token", "score", 1),
    "eval_PER_f1": ("f1_score_per", "score", 2),
    "total_flos": None,
    # timm, torchvision, the ImageNet example
    "top_1": ("accuracy", "rate", 0),
    "val_top_1_acc": ("accuracy", "rate", 0),
    "Top-1 Accuracy": ("accuracy", "rate", 0),
    "Top-5 Accuracy": ("accuracy_5", "rate", 2),
    "best_acc1": ("accuracy_best_1", "rate", 2),
    "val_acc_0": ("accuracy_0", "rate", 2),
    "hit@1": None,
    "recall@1": None,
    "rank1": None,
    "eval_top1": ("accuracy", "rate", 0),
    "eval_top5": ("accuracy_5", "rate", 2),
    "Acc@1": ("accuracy", "rate", 0),
    "Acc@5": ("accuracy_5", "rate", 2),
    "acc1": ("accuracy", "rate", 0),
    "test_acc1": ("accuracy", "rate", 0),
    "test_acc5": ("accuracy_5", "rate", 2),
    "val/acc_top1": ("accuracy", "rate", 0),
    "prec@1": ("accuracy", "rate", 0),
    "val_prec1": ("accuracy", "rate", 0),
    "prec@5": ("accuracy_5", "rate", 2),
    "precision_at_1": ("accuracy", "rate", 0),
    "Err@1": ("error", "rate", 0),
    "top1_err": ("error", "rate", 0),
    "top5_error": ("error_5", "rate", 2),
    "val_acc_top5": ("accuracy_5", "rate", 2),
    "val_accuracy_top1": ("accuracy", "rate", 0),
    "test_top1": ("accuracy", "rate", 0),
    "metrics/accuracy_top1": ("accuracy", "rate", 0),
    "metrics/accuracy_top5": ("accuracy_5", "rate", 2),
    "acc1_ema": ("accuracy_ema_1", "rate", 1),
    "ema_acc": ("accuracy_ema", "rate", 1),
    # MMPretrain, MMDetection, MMSegmentation, YOLO
    "single-label/f1-score": ("f1_score", "score", 0),
    "multi-label/mAP": ("map", "score", 0),
    "coco/bbox_mAP_50": ("map_coco_bbox_50", "score", 2),
    "coco/AP .5": None,
    "mDice": ("dice", "score", 0),
    "mFscore": ("f1_score_macro", "score", 0),
    "IoU.road": ("iou_road", "score", 1),
    "decode.acc_seg": ("accuracy_decode_seg", "rate", 1),
    "aux.acc_seg": ("accuracy_aux_seg", "rate", 2),
    "metrics/mAP_0.5": ("map_0_5", "score", 2),
    "metrics/mAP_0.5:0.95": ("map", "score", 0),
    "metrics/mAP50-95(M)": ("map_m_50_95", "score", 1),
    "train/seg_loss": ("seg_loss", "loss", 1),
    "lr/pg0": None,
    "x/lr0": None,
    "data_time": None,
    "fast_rcnn/cls_accuracy": ("accuracy_fast_rcnn_cls", "rate", 1),
    "loss_box_reg": ("loss_box_reg", "loss", 2),
    "total_loss": ("loss", "loss", 0),
    "bbox/AP50": None,
    "accuracy/top1": ("accuracy", "rate", 0),
    "accuracy/top5": ("accuracy_5", "rate", 2),
    "coco/bbox_mAP": ("map_coco_bbox", "score", 2),
    "aAcc": ("accuracy", "score", 0),
    "mAcc": ("accuracy_macro", "score", 0),
    "mIoU": ("iou", "score", 0),
    "loss_cls": ("loss_cls", "loss", 2),
    "loss_bbox": ("loss_bbox", "loss", 2),
    "metrics/mAP50-95(B)": ("map", "score", 0),
    "metrics/mAP50(B)": ("map_50", "score", 2),
    "metrics/mAP50-95B": ("map", "score", 0),
    "metrics/precision(B)": None,
    "metrics/recall(B)": None,
    "val/box_loss": ("box_loss", "loss", 2),
    "val/dfl_loss": ("dfl_loss", "loss", 2),
    # fastai
    "valid_loss": ("loss", "loss", 0),
    "error_rate": ("error", "rate", 0),
    "accuracy_multi": ("accuracy", "rate", 0),
    "jaccard_coeff": ("iou", "score", 0),
    # XGBoost, LightGBM, CatBoost
    "training's binary_logloss": ("log_loss", "loss", 0),
    "training's binary_error": ("error", "rate", 0),
    "valid_0's auc": ("auc", "score", 0),
    "valid_0's multi_logloss": ("log_loss", "loss", 0),
    "cv_agg's binary_logloss-mean": ("log_loss", "loss", 0),
    "cv_agg's binary_logloss-stdv": None,
    "test-error-mean": ("error", "rate", 0),
    "test-error-std": None,
    "valid_0-ndcg@5": None,
    "validation_0-rmsle": None,
    "learn/Accuracy": ("accuracy", "rate", 0),
    "learn-Logloss": ("log_loss", "loss", 0),
    "validation/MultiClass": ("log_loss", "loss", 0),
    "validation_MultiClassOneVsAll": None,
    "validation_TotalF1:average=Macro": ("f1_score_macro", "score", 0),
    "validation_BalancedAccuracy": ("accuracy_balanced", "score", 0),
    "validation_BrierScore": None,
    "learn_RMSE": ("rmse", "units", 0),
    "validation_0-error": ("error", "rate", 0),
    "validation-merror": ("error", "rate", 0),
    "valid_0-binary_error": ("error", "rate", 0),
    "valid_0-multi_error": ("error", "rate", 0),
    "train-logloss": ("log_loss", "loss", 0),
    "valid-mlogloss": ("log_loss", "loss", 0),
    "valid_0-binary_logloss": ("log_loss", "loss", 0),
    "valid_0-multi_logloss": ("log_loss", "loss", 0),
    "validation-auc": ("auc", "score", 0),
    "validation-aucpr": ("auc_pr", "score", 0),
    "validation-rmse": ("rmse", "units", 0),
    "validation-mae": ("mae", "units", 0),
    "Accuracy": ("accuracy", "rate", 0),
    "TotalF1": ("f1_score", "score", 0),
    "Logloss": ("log_loss", "loss", 0),
    "RMSE": ("rmse", "units", 0),
    "AUC": ("auc", "score", 0),
    "R2": ("r2_score", "score", 0),
    # scikit-learn
    "brier_score_loss": ("brier_loss", "loss", 2),
    "d2_absolute_error_score": None,
    "max_error": None,
    "median_absolute_error": None,
    "top_k_accuracy_score": ("accuracy_top_k", "rate", 2),
    "roc_auc_ovr": ("auc", "score", 0),
    "accuracy_score": ("accuracy", "rate", 0),
    "balanced_accuracy_score": ("accuracy_balanced", "score", 0),
    "f1_score_weighted": ("f1_score_weighted", "score", 0),
    "f1_macro": ("f1_score_macro", "score", 0),
    "roc_auc_score": ("auc", "score", 0),
    "average_precision_score": ("auc_pr", "score", 0),
    "log_loss": ("log_loss", "loss", 0),
    "zero_one_loss": ("error", "rate", 0),
    "hamming_loss": ("error", "rate", 0),
    "r2_score": ("r2_score", "score", 0),
    "explained_variance_score": ("explained_variance", "score", 0),
    "mean_squared_error": ("mse", "units", 0),
    "cohen_kappa_score": ("mcc", "score", 0),
    "jaccard_score": ("iou", "score", 0),
    # spaCy, AllenNLP, fairseq, Detectron2, Neptune
    "ents_f": None,
    "cats_score": None,
    "tag_acc": ("accuracy_tag", "rate", 1),
    "training_accuracy": ("accuracy", "rate", 0),
    "validation_accuracy3": ("accuracy_3", "rate", 2),
    "best_validation_accuracy": ("accuracy_best", "rate", 2),
    "training_duration": None,
    "valid_nll_loss": ("nll_loss", "loss", 0),
    "valid_ppl": None,
    "metrics/train/acc": ("accuracy", "rate", 0),
    "training/epoch/accuracy": ("accuracy", "rate", 0),
    "training/batch/acc": ("accuracy_batch", "rate", 2),
    "monitoring/gpu_memory": None,
    "metrics/val/accuracy": ("accuracy", "rate", 0),
    # by hand
    "Val Accuracy": ("accuracy", "rate", 0),
    "Validation Accuracy (%)": ("accuracy", "rate", 0),
    "Val. acc": ("accuracy", "rate", 0),
    "evaluation/accuracy": ("accuracy", "rate", 0),
    "validate_acc": ("accuracy", "rate", 0),
    "tr_acc": ("accuracy", "rate", 0),
    "vl_loss": ("loss", "loss", 0),
    "ood_acc": ("accuracy_ood", "rate", 2),
    "unseen_acc": ("accuracy_unseen", "rate", 2),
    "n_acc": None,
    "access": None,
    "acc/gpu_mem": None,
    "accelerator_temp": None,
    "val_loss_std": None,
    "val_error_std": None,
    "best_val_acc": ("accuracy_best", "rate", 2),
    "perplexity": None,
    "val_ppl": None,
    "bpc": None,
    "brier_score": None,
    "val_ece": None,
    "val_kappa": ("mcc", "score", 0),
    "mrr": None,
    "EER": None,
    "FID": None,
    "PSNR": None,
    "SSIM": None,
    "BLEU": None,
    "pck": None,
    "c_index": None,
    "val_specificity": None,
    "val_mean_class_acc": ("accuracy_macro", "score", 0),
    "val_bacc": ("accuracy_balanced", "score", 0),
    "val_mean_error": None,
    "val_misclassification_error": ("error", "rate", 0),
    "accuracy_sum": None,
    "val_xent": ("xent", "loss", 0),
    "entropy_loss": ("entropy_loss", "loss", 2),
    "val_focal_loss": ("focal_loss", "loss", 2),
    "discriminator_acc": None,
    "val/d_acc": None,
    "D/acc": None,
    "critic_accuracy": None,
    "val_accuracy_drop": None,
    "val_acc_uncertainty": None,
    "success_rate": None,
    "lrap": None,
    "Accuracy/validation": ("accuracy", "rate", 0),
    "valid_acc": ("accuracy", "rate", 0),
    "valAcc": ("accuracy", "rate", 0),
    "macro_acc": ("accuracy_macro", "score", 0),
    "micro_acc": ("accuracy_micro", "rate", 0),
    "acc_class_2": ("accuracy_class_2", "rate", 2),
    "fold_3_acc": ("accuracy_fold_3", "rate", 2),
    "pixel_acc": ("accuracy_pixel", "score", 1),
    "grad_acc": None,
    "acc_steps": None,
    "reconstruction_error": None,
    "train_acc_mean": ("accuracy", "rate", 0),
    "std_val_accuracy": None,
    "loss_scale": None,
    "generalization_gap_acc": None,
    "val_mse_loss": ("mse_loss", "loss", 1),
    "val_triplet_loss": ("triplet_loss", "loss", 2),
    "val_contrastive_loss": ("contrastive_loss", "loss", 2),
    "val_ce_loss": ("ce_loss", "loss", 0),
    "val_nce": ("nce", "loss", 2),
    "val_elbo": None,
    "lr": None,
    "val_quality": None,
}


@pytest.mark.parametrize("name", READINGS)
def test_a_metrics_name_is_read_as_what_it_is(name: str) -> None:
    read = quantity_of(name)

    assert (read and (read.core, read.kind, read.level)) == READINGS[name]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["val_acc_top5", "val_accuracy_top1"], "val_accuracy_top1"),
        (["val_top5_acc", "val_categorical_accuracy"], "val_categorical_accuracy"),
        (["val_top3_acc", "val_sparse_categorical_accuracy"], "val_sparse_categorical_accuracy"),
        (["val_mask_acc", "val_sparse_categorical_accuracy"], "val_sparse_categorical_accuracy"),
        (["val_aux_acc", "val_accuracy"], "val_accuracy"),
        (["val_acc1", "val_acc5", "val_loss"], "val_acc1"),
        (["val/acc@1", "val/acc@5"], "val/acc@1"),
        (["val_acc5", "val_acc10"], "val_acc5"),
        (["val_acc5", "val_loss"], "val_acc5"),
        (["val_acc_std", "val_loss"], "val_loss"),
        (["val_acc_std", "val_acc_mean"], "val_acc_mean"),
        (["val_acc_class_2", "val_macro_acc"], "val_macro_acc"),
        (["val_macro_acc", "val_micro_acc"], "val_micro_acc"),
        (["val_macro_f1", "val_micro_f1"], "val_micro_f1"),
        (["val_macro_acc", "val_acc"], "val_acc"),
        (["val_fold_3_acc", "val_accuracy"], "val_accuracy"),
        (["val_cat_acc", "val_accuracy"], "val_accuracy"),
        (["val_top5_acc", "val_f1"], "val_f1"),
        (["val_err5", "val_acc1"], "val_acc1"),
        (["val_acc", "val_best_acc"], "val_acc"),
        (["metrics/mAP50(B)", "metrics/mAP50-95(B)"], "metrics/mAP50-95(B)"),
        (["val_kl_loss", "val_loss"], "val_loss"),
        (["loss_bbox", "loss_cls", "loss"], "loss"),
        (["val_dice_loss", "val_dice"], "val_dice"),
        (["val_g_loss", "val_d_loss"], None),
        (["val_cls_accuracy", "val_reg_accuracy"], "val_cls_accuracy"),
        (["val_cls_accuracy", "val_reg_mae"], "val_cls_accuracy"),
        (["val_gender_accuracy", "val_age_mae", "val_loss"], "val_gender_accuracy"),
        (["val_acc_0", "val_acc"], "val_acc"),
        (["val_top_1", "val_top_5", "val_mAP"], "val_top_1"),
        (["val_ood_acc", "val_acc"], "val_acc"),
        (["val_mean_class_acc", "val_acc"], "val_acc"),
        (["val_acc_sum", "val_loss"], "val_loss"),
    ],
)
def test_the_plain_metric_is_the_error_before_a_part_or_a_relaxation_of_it(names: list[str], found: str | None) -> None:
    for either in (names, names[::-1]):
        measure = find_measure(either)

        assert (measure and measure.name) == found


PLAIN = ("val_acc", "val_accuracy", "val_error", "val_f1", "val_auc", "val_r2", "val_loss")
QUALIFIED = (
    *("{}_top5", "{}_std", "std_{}", "{}_class_2", "fold_3_{}", "{}_fold_3", "mask_{}", "aux_{}", "{}_macro", "best_{}"),
    *("{}_ood", "ema_{}", "{}_delta", "{}_lower", "{}_upper", "worst_group_{}", "{}_max", "n_{}", "{}_threshold"),
)
"""Names of a part, a relaxation or a spread of the metric whose name stands in them."""


@given(st.sampled_from(PLAIN), st.sets(st.sampled_from(QUALIFIED)), st.randoms(use_true_random=False))
def test_parts_relaxations_and_spreads_beside_a_metric_never_change_the_choice(
    plain: str, qualified: set[str], random: Random
) -> None:
    names = [plain, *(each.format(plain) for each in qualified)]
    random.shuffle(names)
    measure = find_measure(names)

    assert measure is not None
    assert (measure.name, as_good_as(measure, names)) == (plain, [])


@given(st.lists(st.sampled_from(sorted(READINGS)), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_names_never_matters(names: list[str], random: Random) -> None:
    shuffled = random.sample(names, len(names))

    assert find_measure(names) == find_measure(shuffled)


@given(
    st.lists(st.sampled_from(["val", "acc", "top", "error", "rate", "loss", "f1", "score", "macro", "mask", "std"]), min_size=1)
)
def test_separators_and_capitals_say_nothing(words: list[str]) -> None:
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    spellings = ["_".join(words), "/".join(words), "-".join(words), " ".join(words).title(), "_".join(words).upper(), camel]

    assert len({quantity_of(each) for each in spellings}) == 1


@pytest.mark.parametrize(
    ("names", "others"),
    [
        (["val_acc_a", "val_acc_b", "val_loss"], ["val_acc_b"]),
        (["val_acc_class_0", "val_acc_class_1"], ["val_acc_class_1"]),
        (["val_gender_accuracy", "val_age_mae"], ["val_age_mae"]),
        (["val_token_accuracy", "val_token_f1"], []),
        (["val_macro_acc", "val_acc_class_0"], []),
        (["val_f1", "val_auc"], []),
        (["val_ce_loss", "val_nll"], []),
        (["val_acc_a", "test_acc_b"], []),
        (["val_loss_a", "val_loss_b"], ["val_loss_b"]),
    ],
)
def test_metrics_that_may_be_meant_as_well_are_known(names: list[str], others: list[str]) -> None:
    measure = find_measure(names)

    assert measure is not None
    assert as_good_as(measure, names) == others


@pytest.mark.parametrize(
    ("name", "own_class", "core"),
    [
        ("val_acc", "SparseTopKCategoricalAccuracy_3", "accuracy_3"),
        ("val_error", "MeanSquaredError", "mse"),
        ("val_metric", "MulticlassAccuracy", "accuracy"),
        ("val_acc", "MeanMetric", "accuracy"),
    ],
)
def test_a_metrics_own_class_says_more_than_its_name(name: str, own_class: str, core: str) -> None:
    measure = find_measure([name], known_as={name: own_class})

    assert measure is not None
    read = quantity_of(measure.known_as or measure.name)
    assert read is not None
    assert read.core == core


@pytest.mark.parametrize(
    ("measure", "names", "stage", "found"),
    [
        ("val_acc", ["test_accuracy"], "test", "test_accuracy"),
        ("val_acc", ["test/acc@1", "test/acc@5"], "test", "test/acc@1"),
        ("val_acc", ["test_top1", "test_top5"], "test", "test_top1"),
        ("val_acc", ["test_top5"], "test", None),
        ("val_acc", ["test_mask_acc"], "test", None),
        ("val_acc", ["test_macro_acc"], "test", None),
        ("val_acc", ["test_accuracy", "test_top1"], "test", None),
        ("val_acc", ["test_acc", "test_accuracy"], "test", "test_acc"),
        ("val_acc5", ["test_top5", "test_top1"], "test", "test_top5"),
        ("val_acc", ["val_accuracy"], "test", None),
        ("val_acc", ["train_accuracy"], "train", "train_accuracy"),
        ("val_error", ["test_err"], "test", "test_err"),
        ("val_acc", ["test_error"], "test", None),
        ("val_f1", ["test_f1_score"], "test", "test_f1_score"),
        ("val_roc_auc", ["test_auroc"], "test", "test_auroc"),
        ("val_mse", ["test_mean_squared_error"], "test", "test_mean_squared_error"),
        ("val_loss", ["test_kl_loss"], "test", None),
        ("val_quality", ["test_quality", "test_acc"], "test", "test_quality"),
    ],
)
def test_the_same_metric_is_found_under_another_spelling(measure: str, names: list[str], stage: str, found: str | None) -> None:
    assert Measure(measure, higher_is_better=True).find_in(names, stage) == found
